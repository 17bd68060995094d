"""One consumer and one budget for all partitions of a process."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.stream_client import FakeClock, FakeStreamClient
from tests.transforms.segments import messages
from transforms.kafka import SegmentLimits
from transforms.kafka.messages import Arrival
from transforms.kafka.stream.shared_consumer import (
    FORGOTTEN_S,
    REST_S,
    ROUND_S,
    SharedConsumer,
)

BIG = 1 << 30
#: Bytes of one message of the fake logs, about.
EACH = messages(range(1_000)).nbytes // 1_000


class Process:
    """Partitions of one topic, each with 100 messages, and the consumer that they share."""

    def __init__(self, partitions=2, most=1_000, size=BIG, budget=BIG, end=100):
        self.clock = FakeClock()
        self.logs = {p: FakePartition(end) for p in range(partitions)}
        self.client = FakeStreamClient(FakeBroker({"t": FakeTopic("id", self.logs)}), self.clock)
        limits = SegmentLimits(messages=most, bytes=size)
        self.consumer = SharedConsumer(self.client, limits, 30.0, budget, self.clock)

    def follow(self, *partitions, fence=0):
        made = [self.consumer.follow("t", p, fence, fence) for p in partitions]
        return made[0] if len(made) == 1 else made

    def held(self, buffer):
        return self.consumer.head(buffer).messages.column("offset").to_pylist()


def test_one_call_fills_the_buffers_of_all_partitions():
    process = Process()
    first, second = process.follow(0, 1)
    assert not process.consumer.gather(first)
    assert process.held(first) == process.held(second) == list(range(100))


def test_a_segment_is_due_when_its_oldest_message_has_waited_long_enough():
    process = Process()
    buffer = process.follow(0)
    assert not process.consumer.gather(buffer)
    process.clock.move(25.0)
    assert not process.consumer.gather(buffer)
    process.clock.move(4.0)
    assert process.consumer.gather(buffer)


def test_nothing_is_never_due():
    process = Process(end=0)
    buffer = process.follow(0)
    for _ in range(3):
        assert not process.consumer.gather(buffer)
        process.clock.move(50.0)


@pytest.mark.parametrize("limit", [{"most": 100}, {"size": EACH * 90}])
def test_a_large_segment_is_due_at_once(limit):
    process = Process(**limit)
    buffer = process.follow(0)
    before = process.clock()
    assert process.consumer.gather(buffer)
    assert process.clock() - before < ROUND_S


class TestRounds:
    def test_a_call_ends_after_a_round_when_nothing_becomes_due(self):
        process = Process()
        before = process.clock()
        process.consumer.gather(process.follow(0))
        assert ROUND_S <= process.clock() - before < ROUND_S + 0.2

    def test_the_other_calls_of_the_same_bundle_do_not_poll_again(self):
        process = Process()
        first, second = process.follow(0, 1)
        process.consumer.gather(first)
        polls, before = process.client.polls, process.clock()
        assert not process.consumer.gather(second)
        assert (process.client.polls, process.clock()) == (polls, before)

    def test_after_a_rest_the_next_call_polls_again(self):
        process = Process()
        buffer = process.follow(0)
        process.consumer.gather(buffer)
        process.logs[0].end = 101
        process.clock.move(REST_S)
        process.consumer.gather(buffer)
        assert process.held(buffer)[-1] == 100

    @pytest.fixture
    def unlike(self):
        """A process and its partition at the log's end; another of its partitions is due."""
        process = Process(most=100, end=0)
        first, second = process.follow(0, 1)
        process.consumer.gather(first)
        process.logs[1].end = 100
        process.clock.move(REST_S)
        assert process.consumer.gather(second)
        return process, first

    def test_a_partition_at_its_end_keeps_no_other_one_waiting_that_is_due(self, unlike):
        process, first = unlike
        before = process.clock()
        assert not process.consumer.gather(first)
        assert process.clock() - before < 0.1

    def test_it_is_read_on_all_the_same(self, unlike):
        process, first = unlike
        process.logs[0].end = 10
        process.consumer.gather(first)
        assert process.held(first) == list(range(10))

    def test_a_partition_that_lags_is_read_until_it_is_due_itself(self):
        process = Process(most=100, end=0)
        first, second = process.follow(0, 1)
        process.client.extra = [Arrival(topic="t", partition=1, table=messages(range(100)))]
        process.logs[0].end = 100
        assert process.consumer.gather(first)
        assert process.consumer.gather(second)


class TestPauses:
    def test_a_partition_with_enough_for_two_segments_is_paused_and_the_others_go_on(self):
        process = Process(most=100, end=250)
        process.logs[1].end = 10
        first, second = process.follow(0, 1)
        process.consumer.gather(first)
        assert (process.client.stopped, first.paused) == ([0], True)
        process.logs[1].end = 20
        process.consumer.gather(second)
        assert process.held(second) == list(range(20))

    def test_one_with_a_segment_is_read_on_while_that_is_written(self):
        process = Process(most=100, end=150)
        process.consumer.gather(process.follow(0))
        assert process.client.stopped == []

    def test_it_goes_on_where_it_stopped_once_there_is_room(self):
        process = Process(most=100, end=200)
        buffer = process.follow(0)
        process.consumer.gather(buffer)
        process.logs[0].end = 230
        process.consumer.drop(buffer, 100)
        process.consumer.drop(buffer, 150)
        process.consumer.gather(buffer)
        assert process.client.started == [(0, 0), (0, 200)]
        assert process.held(buffer) == list(range(150, 230))

    def test_what_the_client_had_in_hand_when_it_was_paused_is_kept(self):
        process = Process(most=100, end=0)
        buffer = process.follow(0)
        process.client.extra = [
            Arrival(topic="t", partition=0, table=messages(range(o, o + 100))) for o in (0, 100)
        ]
        process.logs[0].end = 200
        process.consumer.gather(buffer)
        assert (buffer.end, process.client.stopped) == (200, [0])


class TestBudget:
    def test_over_the_budget_nothing_is_polled(self):
        process = Process(budget=EACH * 50)
        process.logs[1].end = 10
        first, second = process.follow(0, 1)
        assert process.consumer.gather(first)
        polls = process.client.polls
        assert not process.consumer.gather(second)
        assert process.client.polls == polls == 1

    def test_over_the_budget_the_largest_is_due_before_its_time(self):
        process = Process(budget=EACH * 100, end=100)
        process.logs[1].end = 10
        first, second = process.follow(0, 1)
        assert process.consumer.gather(first)
        assert not process.consumer.gather(second)

    def test_equal_ones_are_all_due(self):
        process = Process(budget=EACH * 100)
        first, second = process.follow(0, 1)
        assert process.consumer.gather(first)
        assert process.consumer.gather(second)

    def test_when_there_is_room_again_polling_goes_on(self):
        process = Process(budget=EACH * 90)
        buffer = process.follow(0)
        process.consumer.gather(buffer)
        process.consumer.drop(buffer, 100)
        process.logs[0].end = 120
        process.consumer.gather(buffer)
        assert process.held(buffer) == list(range(100, 120))


class TestMoving:
    def test_following_anew_begins_elsewhere_with_nothing_held(self):
        process = Process()
        old = process.follow(0)
        process.consumer.gather(old)
        new = process.follow(0, fence=40)
        process.clock.move(REST_S)
        process.consumer.gather(new)
        assert process.held(new) == list(range(40, 100))
        assert not process.consumer.has(old)
        assert process.consumer.has(new)

    def test_leaving_an_old_buffer_does_not_stop_the_new_one(self):
        process = Process()
        old = process.follow(0)
        new = process.follow(0, fence=40)
        process.consumer.leave(old)
        assert process.consumer.has(new)
        assert process.client.stopped == [0]

    def test_what_comes_of_a_partition_that_was_left_is_dropped(self):
        process = Process()
        first, second = process.follow(0, 1)
        process.consumer.leave(first)
        process.client.extra = [Arrival(topic="t", partition=0, table=messages([0]))]
        process.consumer.gather(second)
        assert process.held(second) == list(range(100))

    def test_a_partition_that_nobody_asks_for_is_forgotten(self):
        process = Process(end=0)
        first, second = process.follow(0, 1)
        process.consumer.gather(first)
        process.clock.move(FORGOTTEN_S + 1)
        process.consumer.gather(second)
        assert not process.consumer.has(first)
        assert process.consumer.has(second)
        assert process.client.stopped == [0]

    def test_a_paused_partition_can_be_left_and_forgotten(self):
        process = Process(most=50)
        buffer = process.follow(0)
        process.consumer.gather(buffer)
        assert buffer.paused
        process.consumer.leave(buffer)
        assert process.client.stopped == [0]

    def test_closing_leaves_the_cluster(self):
        process = Process()
        buffer = process.follow(0)
        process.consumer.close()
        assert process.client.closed
        assert not process.consumer.has(buffer)


def test_threads_that_gather_and_move_at_once_leave_no_hole():
    process = Process(partitions=4, most=30, end=600)
    together = threading.Barrier(4, timeout=30)

    def read(partition):
        """Reads to the end, and from an earlier offset once more; returns the offsets."""
        seen, position, buffer = [], 0, process.follow(partition)
        together.wait()
        while position < 600:
            if not process.consumer.gather(buffer):
                process.clock.move(0.05)
                continue
            held = process.held(buffer)
            seen += held
            position = held[-1] + 1
            process.consumer.drop(buffer, position)
            if position > 300 and len(seen) == position:
                position, buffer = 100, process.follow(partition, fence=100)
        return seen

    with ThreadPoolExecutor(4) as pool:
        for seen in pool.map(read, range(4)):
            moved = next(at for at, (a, b) in enumerate(itertools.pairwise(seen), 1) if b != a + 1)
            assert seen == [*range(moved), *range(100, 600)]
