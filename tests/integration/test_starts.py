"""``--start`` says where topics begin that are new to the lake, and only those."""

import json

import pytest

from tests.integration.small import (
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    logged,
    send,
)
from tests.servers import make_topic

pytestmark = pytest.mark.integration

#: The broker time of the first message; each later one is a second younger. 2026-01-01T00:00:00Z.
FIRST_MS = 1_767_225_600_000


@pytest.fixture(scope="module")
def topic(kafka):
    name = make_topic(kafka, "starts", 1, {"retention.ms": "-1"})
    for second, value in enumerate(confluent(range(10))):
        send(kafka, name, [value], timestamp=FIRST_MS + 1_000 * second)
    return name


@pytest.mark.parametrize(
    ("start", "first", "how"),
    [
        ("earliest", 0, "earliest"),
        ("latest", 10, "latest"),
        ("2026-01-01T01:00:03.5+01:00", 4, "timestamp 2026-01-01T00:00:03.500000+00:00"),
        ("2026-01-02T00:00:00Z", 10, "timestamp 2026-01-02T00:00:00+00:00"),
    ],
)
def test_a_new_topic_begins_where_it_is_told(kafka, topic, make_lake, start, first, how):
    lake = make_lake(topic)

    assert lake.drain(f"--start={start}").code == 0

    genesis = lake.commits()[0]
    assert genesis.genesis is not None
    assert (genesis.start, genesis.genesis["how"]) == (first, how)
    assert fences(lake, topic) == {0: 10}
    if first < 10:
        assert_holds_exactly(lake, topic, [m for m in logged(kafka, topic) if m.offset >= first])


def test_offsets_come_from_a_file_and_hold_for_new_topics_only(
    kafka, topic, topic_factory, make_lake, tmp_path
):
    other = topic_factory(partitions=2)
    send(kafka, other, confluent(range(6)), partition=0)
    send(kafka, other, confluent(range(6, 9)), partition=1)
    offsets = tmp_path / "offsets.json"
    offsets.write_text(json.dumps({topic: {"0": 7}}))
    lake = make_lake(topic)
    assert lake.drain(f"--start={offsets}").code == 0
    assert lake.commits()[0].start == 7

    # The first topic is known by now: neither its own entry nor a missing one matters.
    offsets.write_text(json.dumps({topic: {"0": 2}, other: {"0": 4, "1": 0}}))
    lake = make_lake(topic, other)
    assert lake.drain(f"--start={offsets}").code == 0

    assert_holds_exactly(lake, topic, logged(kafka, topic)[7:])
    read = [m for m in logged(kafka, other) if m.partition == 1 or m.offset >= 4]
    assert_holds_exactly(lake, other, read)
    assert_proven(lake)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"starts": {}}', "has no offset for starts[0]"),
        ('{"starts": {"0": 11}}', "starts starts[0] at 11, its log ends at 10"),
        ('{"starts": {"0": -1}}', "starts starts[0] at -1"),
        ("[]", "can't be read"),
        ("no JSON", "can't be read"),
    ],
)
def test_offsets_that_cannot_be_used_are_refused(
    topic, make_lake, drain_here, tmp_path, content, told
):
    offsets = tmp_path / "offsets.json"
    offsets.write_text(content)
    lake = make_lake(topic)

    refused = drain_here(lake, f"--start={offsets}")

    assert refused.code == 2, refused
    assert len(refused.err.splitlines()) == 1, refused
    assert told in refused.err
    assert not list(lake.store.walk(""))
