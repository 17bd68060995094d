"""Publishing to a real broker: nothing is lost in an outage, keys stay together, topics are fit."""

import pytest
from confluent_kafka import Consumer

from transforms.errors import BrokerUnavailableError, RefusedError, TopicMissingError
from transforms.kafka import BrokerSettings
from transforms.kafka.publish import PublishingBroker, TopicNeeds, ensure_topic
from transforms.kafka.publish.client import KafkaPublisher

pytestmark = pytest.mark.operations

MESSAGES = [(b"key %d" % (n % 7), b"%d" % n) for n in range(2_000)]
PATIENCE_S = 30
NEEDS = TopicNeeds(partitions=2, kept_s=7_200)


def read(kafka, topic, count):
    """The messages of a topic, in order within each partition: partition, key, value."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": f"reader-of-{topic}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    found = []
    while len(found) < count:
        batch = consumer.consume(count - len(found), PATIENCE_S)
        assert batch
        found += [(each.partition(), each.key(), each.value()) for each in batch]
    consumer.close()
    return found


def publisher(kafka, topic, timeout_s):
    return KafkaPublisher(
        BrokerSettings(bootstrap_servers=kafka.bootstrap_servers), topic, timeout_s
    )


def test_messages_of_a_key_keep_their_order_in_one_partition(kafka, topic_factory):
    topic = topic_factory(partitions=3)
    client = publisher(kafka, topic, 20.0)
    for message in MESSAGES:
        client.send(message)
    assert client.flush() is None
    found = read(kafka, topic, len(MESSAGES))
    for key in {key for key, _ in MESSAGES}:
        mine = [(partition, value) for partition, k, value in found if k == key]
        assert len({partition for partition, _ in mine}) == 1
        assert [value for _, value in mine] == [value for k, value in MESSAGES if k == key]


def test_what_an_outage_left_is_told_and_can_be_sent_again(kafka, topic_factory):
    topic = topic_factory()
    client = publisher(kafka, topic, 3.0)
    client.send(MESSAGES[0])
    assert client.flush() is None
    kafka.freeze()
    for message in MESSAGES[1:5]:
        client.send(message)
    undelivered = client.flush()
    kafka.thaw()
    assert sorted(undelivered.messages) == sorted(MESSAGES[1:5])
    assert isinstance(undelivered.reason, BrokerUnavailableError)

    for message in undelivered.messages:
        client.send(message)
    assert client.flush() is None
    values = {value for _, _, value in read(kafka, topic, 5)}
    assert values <= {value for _, value in MESSAGES[:5]}


def test_a_topic_that_is_missing_is_named(kafka):
    client = publisher(kafka, "nobody-made-it", 8.0)
    client.send(MESSAGES[0])
    undelivered = client.flush()
    assert isinstance(undelivered.reason, TopicMissingError)
    assert "nobody-made-it" in str(undelivered.reason)


def test_a_topic_is_made_as_it_must_be_and_then_taken(kafka):
    cluster = PublishingBroker(BrokerSettings(bootstrap_servers=kafka.bootstrap_servers))
    assert ensure_topic(cluster, "figures-made-here", NEEDS)
    assert not ensure_topic(cluster, "figures-made-here", NEEDS)
    (facts,) = cluster.describe(["figures-made-here"])
    assert facts.partitions == (0, 1)
    state = cluster.state("figures-made-here")
    assert state.writable
    assert NEEDS.config().items() <= state.config.items()


def test_a_topic_of_somebody_else_that_is_not_fit_is_left_as_it_is(kafka, topic_factory):
    topic = topic_factory(config={"cleanup.policy": "compact"})
    cluster = PublishingBroker(BrokerSettings(bootstrap_servers=kafka.bootstrap_servers))
    with pytest.raises(RefusedError, match=r"min\.compaction\.lag\.ms"):
        ensure_topic(cluster, topic, NEEDS)
    assert cluster.state(topic).config["min.compaction.lag.ms"] == "0"


def test_a_topic_that_the_cluster_will_not_make_is_refused(kafka):
    cluster = PublishingBroker(BrokerSettings(bootstrap_servers=kafka.bootstrap_servers))
    with pytest.raises(RefusedError, match="can't be made"):
        cluster.create("figures-never-made", 1, {"cleanup.policy": "none of Kafka's"})
    with pytest.raises(TopicMissingError):
        cluster.state("figures-never-made")
