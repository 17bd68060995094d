"""``lake adopt-topic``: a chain of its own for a topic that was deleted and made again."""

from transforms.errors import RefusedError
from transforms.kafka import Broker, TopicFacts
from transforms.lake import ObjectStore, require_lake
from transforms.lake.genesis import TopicBirth, ensure_genesis, known_topic_ids


def adopt_topic(broker: Broker, store: ObjectStore, topic: str) -> TopicFacts:
    """Starts chains for the topic's new id, each at its earliest offset.

    The old id's chains stay as they are: their rows remain part of the lake.

    Returns:
        The topic as the broker describes it.

    Raises:
        TopicMissingError: The broker doesn't know the topic.
        RefusedError: The lake knows this id already, or no topic of that name at all.
    """
    lake = require_lake(store)
    facts = broker.describe([topic])[0]
    known = known_topic_ids(store, topic)
    if not known:
        raise RefusedError(
            f"the lake has no chain of the topic {topic}, so there is nothing to adopt it after",
            "Run the pipeline: it starts the chain of a new topic itself",
        )
    if facts.topic_id in known:
        raise RefusedError(
            f"the lake knows the topic {topic} with its present id {facts.topic_id} already",
            "Run the pipeline: it goes on from the fences",
        )
    earliest = broker.earliest(facts)
    birth = TopicBirth(
        topic=topic,
        topic_id=facts.topic_id,
        cluster_id=facts.cluster_id,
        how="earliest",
        starts=earliest,
    )
    ensure_genesis(store, lake, birth, earliest)
    return facts
