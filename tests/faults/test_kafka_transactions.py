"""Transactions and holes: the last stable offset is the end, and fences stand at exact offsets."""

import time

import pytest

from tests.integration.small import (
    Abort,
    LakeFactory,
    aborted,
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    keys_of,
    logged,
    send,
    small_lake,
    transaction,
)
from tests.oracle import committed_ends

pytestmark = pytest.mark.faults


@pytest.fixture
def make_lake(launcher, kafka, s3, lake_root, config_factory) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, config_factory)


@pytest.mark.parametrize("end", ["committed", "aborted"])
def test_a_hanging_transaction_holds_back_what_lies_behind_it(kafka, topic_factory, make_lake, end):
    topic = topic_factory()
    lake = make_lake(topic)
    # The last stable offset lies behind a marker, so no message tells that the end is reached.
    _in_transaction(kafka, f"before-{topic}", topic, confluent(range(5)), end)
    with transaction(kafka, f"hanging-{topic}") as send_in:
        send_in(topic, confluent(range(5, 8)))
        send(kafka, topic, confluent(range(8, 12)))
        ended = lake.drain("--progress=auto")
        assert fences(lake, topic) == {0: 6}
        if end == "aborted":
            raise Abort

    assert ended.code == 0, ended
    assert f"{topic}[0]: 7 offsets lie in open transactions; not read" in ended.err
    assert lake.drain().code == 0
    assert fences(lake, topic) == {0: 14}
    messages = logged(kafka, topic)
    assert len(messages) == (12 if end == "committed" else 4)
    assert_holds_exactly(lake, topic, messages)
    assert_proven(lake)


def _in_transaction(kafka, name: str, topic: str, values: list[bytes], end: str) -> None:
    if end == "aborted":
        aborted(kafka, name, topic, values)
        return
    with transaction(kafka, name) as send_in:
        send_in(topic, values)


def test_aborted_messages_and_markers_at_both_ends_leave_exact_fences(
    kafka, topic_factory, make_lake
):
    topic = topic_factory(partitions=3)
    lake = make_lake(topic, segment={"messages": 4})
    aborted(kafka, f"{topic}-start", topic, confluent(range(3)))
    send(kafka, topic, confluent(range(3, 9)))
    with transaction(kafka, f"{topic}-middle") as send_in:
        send_in(topic, confluent(range(9, 15)), 0)
        send_in(topic, confluent(range(15, 17)), 1)
    aborted(kafka, f"{topic}-end", topic, confluent(range(17, 22)))
    # The third partition holds aborted messages and nothing else.
    aborted(kafka, f"{topic}-only", topic, confluent(range(22, 24)), partition=2)
    ends = committed_ends(kafka.bootstrap_servers, topic)

    assert lake.drain().code == 0

    assert ends == {0: 23, 1: 3, 2: 3}
    assert fences(lake, topic) == ends
    messages = logged(kafka, topic)
    assert {m.offset for m in messages if m.partition == 0} == {*range(4, 10), *range(10, 16)}
    assert_holds_exactly(lake, topic, messages)

    # Nothing but an aborted transaction behind the fence: no message, and yet it moves.
    aborted(kafka, f"{topic}-late", topic, confluent(range(24, 26)), partition=1)
    assert lake.drain().code == 0
    assert fences(lake, topic) == {0: 23, 1: 6, 2: 3}
    before = keys_of(lake)
    assert lake.drain().code == 0
    assert keys_of(lake) == before
    assert_proven(lake)


def test_a_compacted_log_is_read_with_its_holes(kafka, topic_factory, make_lake):
    topic = topic_factory(
        config={
            "cleanup.policy": "compact",
            "segment.ms": "100",
            "min.cleanable.dirty.ratio": "0.01",
            "min.compaction.lag.ms": "0",
        }
    )
    lake = make_lake(topic, segment={"messages": 3})
    values = confluent(range(60))
    for number in range(6):
        send(kafka, topic, values[number * 10 : number * 10 + 10], key=b"%d" % (number % 2))
    _wait_compacted(kafka, topic, values)
    messages = logged(kafka, topic)

    assert lake.drain().code == 0

    assert fences(lake, topic) == committed_ends(kafka.bootstrap_servers, topic)
    assert_holds_exactly(lake, topic, messages)
    assert_proven(lake)


def _wait_compacted(kafka, topic: str, values: list[bytes]) -> None:
    """Waits until of each of the two keys one message is left before the active segment."""
    deadline = time.monotonic() + 60
    while len(found := logged(kafka, topic)) > 3:
        assert time.monotonic() < deadline, f"{len(found)} messages are left of {len(values)}"
        # The active segment is never cleaned: each message more closes the one before it.
        send(kafka, topic, values[-1:], key=b"0")
        time.sleep(0.2)
