"""Messages -> Arrow, as the broker gave them."""

import gc
import sys
import threading
from datetime import UTC, datetime

import pytest

from tests.transforms.kafka.test_client import message
from transforms.kafka.messages import below, collector_paused, reaches, to_arrow
from transforms.segment import MESSAGES_SCHEMA


def test_nothing_gives_an_empty_table():
    assert to_arrow([]) == MESSAGES_SCHEMA.empty_table()


def test_each_column_is_as_the_broker_gave_it():
    headers = [("a", b"\x00"), ("b", None), ("a", b"")]
    table = to_arrow(
        [
            message(5, b"\xff\x00", key=None),
            message(7, None, headers=headers),
            message(8, b"", key=b"", headers=[]),
        ]
    )
    assert table.schema == MESSAGES_SCHEMA
    assert table.column("offset").to_pylist() == [5, 7, 8]
    assert table.column("key").to_pylist() == [None, b"k", b""]
    assert table.column("value").to_pylist() == [b"\xff\x00", None, b""]
    listed = [{"key": key, "value": value} for key, value in headers]
    none, some, empty = table.column("headers").to_pylist()
    assert (none, some) == (None, listed)
    assert not empty
    assert table.column("timestamp").to_pylist()[0] == datetime.fromtimestamp(1.005, UTC)


@pytest.fixture
def collector():
    """The garbage collector, on."""
    was_on = gc.isenabled()
    gc.enable()
    yield gc
    if not was_on:
        gc.disable()


def test_the_collector_is_paused_and_left_as_it_was(collector):
    with collector_paused():
        assert not collector.isenabled()
        with collector_paused():
            pass
        assert not collector.isenabled()
    assert collector.isenabled()


def test_a_collector_that_was_off_stays_off(collector):
    collector.disable()
    with collector_paused():
        pass
    assert not collector.isenabled()


def test_threads_that_pause_it_at_once_leave_it_on(collector):
    def pause():
        for _ in range(20_000):
            with collector_paused():
                pass

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=pause) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    sys.setswitchinterval(interval)
    assert collector.isenabled()


@pytest.mark.parametrize(
    ("wanted", "left", "reached"),
    [(3, [], True), (4, [3], True), (7, [3, 6], True), (8, [3, 6], False)],
)
def test_messages_are_cut_at_the_wanted_end_and_prove_that_it_is_reached(wanted, left, reached):
    read = [message(3), message(6)]
    assert [each.offset() for each in below(read, wanted)] == left
    assert reaches(read, wanted) is reached


def test_nothing_read_proves_nothing():
    assert below([], 5) == []
    assert not reaches([], 0)
