"""From a broker to what the lake must hold, in one call."""

from collections.abc import Iterable, Mapping

from schemas.catalog import packaged_datasets
from tests.oracle.expected import Chain, Expected, expected_of
from tests.oracle.masks import Pseudonymised
from tests.oracle.messages import Message
from tests.oracle.reader import committed_ends, earliest_starts, read_committed
from tests.oracle.references import REFERENCE_DATASETS, References


def expect_topic(
    servers: str,
    topic: str,
    *,
    starts: Mapping[int, int] | None = None,
    ends: Mapping[int, int] | None = None,
    carries: str | None = None,
) -> Expected:
    """What the lake must hold of a topic.

    Some 15,000 messages a second: for up to 60,000 messages, read all of them.

    Args:
        servers: Bootstrap servers.
        topic: The topic.
        starts: First offset by partition; the earliest there is by default.
        ends: One past the last offset by partition; the last stable offsets by default.
        carries: Topic whose dataset this one carries, if it isn't a packaged topic itself.
    """
    starts = earliest_starts(servers, topic) if starts is None else starts
    ends = committed_ends(servers, topic) if ends is None else ends
    return expected_of(topic, read_committed(servers, topic, starts, ends), carries=carries)


def expect_topics(servers: str, topics: Iterable[str]) -> dict[str, Expected]:
    """What the lake must hold of each topic, read from its earliest to its last stable offsets."""
    return {topic: expect_topic(servers, topic) for topic in topics}


def expected_of_run(
    messages: Mapping[str, Iterable[Message]],
    masks: Pseudonymised,
    before: Mapping[str, Expected] | None = None,
) -> dict[str, Expected]:
    """What one run of the packaged configuration must add to the lake, by topic.

    References are committed before events are looked at, so all that the run reads of them counts,
    and all that the lake held before.

    Args:
        messages: What the run reads, by topic: packaged topics all.
        masks: The masking policy.
        before: What earlier runs added, by topic.
    """
    datasets = {dataset.topic: dataset.name for dataset in packaged_datasets()}
    referred = [topic for topic in messages if datasets[topic] in REFERENCE_DATASETS]
    plain = Chain(masks)
    added = {topic: expected_of(topic, messages[topic], chain=plain) for topic in referred}
    held = [*(before or {}).values(), *added.values()]
    rows = {
        datasets[topic]: [row for each in held if each.topic == topic for row in each.rows.values()]
        for topic in datasets
    }
    chain = Chain(masks, References(rows, masks.patient_link))
    for topic in messages.keys() - added.keys():
        added[topic] = expected_of(topic, messages[topic], chain=chain)
    return added
