"""A range that was read, and how it is given out."""

import pytest

from tests.transforms.segments import messages
from transforms.errors import BrokerUnavailableError
from transforms.kafka.messages import Arrival
from transforms.kafka.stream.buffers import PartitionBuffer


def came(*offsets, **more):
    return Arrival(topic="t", partition=0, table=messages(offsets), **more)


@pytest.fixture
def buffer():
    return PartitionBuffer("t", 0, 10, 10, now=1.0)


def read(buffer, most=100):
    fetched = buffer.head(most)
    return fetched.messages.column("offset").to_pylist(), fetched.end


def test_it_begins_empty_and_grows_by_what_comes(buffer):
    assert buffer.empty
    buffer.add(came(10, 11), 2.0)
    buffer.add(came(12), 3.0)
    assert (read(buffer), buffer.messages, buffer.since) == (([10, 11, 12], 13), 3, 2.0)
    assert buffer.bytes == messages([10, 11]).nbytes + messages([12]).nbytes


def test_holes_are_read_by_the_message_after_them(buffer):
    buffer.add(came(10, 15), 2.0)
    assert read(buffer) == ([10, 15], 16)


def test_holes_at_the_end_are_read_by_the_end_of_the_log(buffer):
    buffer.add(came(10), 2.0)
    buffer.add(came(end=14), 3.0)
    assert (read(buffer), buffer.at_end) == (([10], 14), True)


def test_holes_alone_are_a_range_too(buffer):
    buffer.add(came(end=14), 2.0)
    assert not buffer.empty
    assert (read(buffer), buffer.since) == (([], 14), 2.0)


def test_an_end_below_what_was_read_is_old_news(buffer):
    buffer.add(came(10, 11, end=11), 2.0)
    assert (buffer.end, buffer.at_end) == (12, False)


def test_the_end_of_a_log_that_grew_is_forgotten(buffer):
    buffer.add(came(end=10), 2.0)
    assert buffer.at_end
    buffer.add(came(10), 3.0)
    assert not buffer.at_end


def test_what_is_known_already_is_not_taken_twice(buffer):
    buffer.add(came(10, 11), 2.0)
    buffer.add(came(8, 9, 10, 11, 12), 3.0)
    buffer.add(came(3, 4), 4.0)
    assert (read(buffer), buffer.messages) == (([10, 11, 12], 13), 3)


def test_a_gap_is_part_of_the_range():
    buffer = PartitionBuffer("t", 0, 5, 10, now=1.0)
    assert not buffer.empty
    assert (read(buffer), buffer.since) == (([], 10), 1.0)
    buffer.add(came(10), 2.0)
    assert read(buffer) == ([10], 11)


def test_the_head_holds_no_more_messages_than_asked_for(buffer):
    buffer.add(came(10, 11), 2.0)
    buffer.add(came(12, 15, end=20), 3.0)
    assert read(buffer, 1) == ([10], 11)
    assert read(buffer, 2) == ([10, 11], 12)
    assert read(buffer, 3) == ([10, 11, 12], 13)
    assert read(buffer, 4) == ([10, 11, 12, 15], 20)


def test_the_head_is_one_chunk_however_many_calls_it_took(buffer):
    for offset in range(10, 20):
        buffer.add(came(offset), 2.0)
    assert buffer.head(100).messages.column("value").num_chunks == 1


def test_what_is_dropped_is_gone_and_the_rest_stays(buffer):
    buffer.add(came(10, 11, 12), 2.0)
    buffer.add(came(13, 14), 3.0)
    buffer.drop(12)
    assert (read(buffer), buffer.messages, buffer.since) == (([12, 13, 14], 15), 3, 2.0)
    buffer.drop(13)
    assert (read(buffer), buffer.since) == (([13, 14], 15), 3.0)
    buffer.drop(15)
    assert buffer.empty
    assert (buffer.messages, buffer.bytes) == (0, 0)


def test_the_first_failure_and_a_loss_are_kept(buffer):
    first = BrokerUnavailableError("one")
    buffer.add(came(error=first), 2.0)
    buffer.add(came(lost=True, error=BrokerUnavailableError("two")), 2.0)
    buffer.add(came(10), 2.0)
    assert (buffer.error, buffer.lost) == (first, True)
