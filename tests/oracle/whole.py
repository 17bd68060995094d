"""From a broker to what the lake must hold, in one call."""

from collections.abc import Iterable, Mapping

from tests.oracle.expected import Expected, expected_of
from tests.oracle.reader import committed_ends, earliest_starts, read_committed


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
