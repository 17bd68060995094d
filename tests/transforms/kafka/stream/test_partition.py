"""The fence rules a stream too, over many short calls."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.object_store import Fault
from tests.transforms.kafka.stream.worlds import EPOCH, World
from tests.transforms.lake.lakes import born
from tests.transforms.segments import OWNER
from transforms.errors import RefusedError
from transforms.guard import is_quarantined
from transforms.kafka.messages import Arrival
from transforms.kafka.reader import MAX_STALLS
from transforms.lake.attempts import SUSPICIOUS_DEATHS, Attempts
from transforms.lake.names import PartitionId
from transforms.lake.setbacks import OTHER_PAUSES_S, OUTAGE_PAUSES_S
from transforms.rehearsal import Ending


@pytest.fixture
def world():
    return World()


def failure(world):
    """What the lane reports, once."""
    outcome = world.lane.outcome()
    return (outcome.failure, outcome.reason) if outcome else ("", "")


class TestGathering:
    def test_nothing_is_given_out_until_a_segment_is_due(self):
        world = World(end=10)
        assert [world.given() for _ in range(3)] == [None] * 3
        world.clock.move(30.0)
        assert world.given() == (0, 10)

    def test_large_segments_are_given_out_at_once_each_when_the_last_is_durable(self, world):
        assert world.run(calls=2) == [(0, 20), (20, 40)]
        assert world.given() is None  # 10 messages more, which are not old enough
        world.clock.move(30.0)
        assert world.run(calls=1) == [(40, 50)]
        assert [(c.start, c.end, c.messages) for c in world.commits()] == [
            (0, 20, 20),
            (20, 40, 20),
            (40, 50, 10),
        ]

    def test_there_is_more_at_once_until_the_end_of_the_log_is_given_out(self):
        world = World(end=40)
        turns = []
        for _ in range(2):
            turns.append(world.turn())
            world.write(turns[-1].segment)
        assert [turn.more for turn in turns] == [True, False]

    def test_there_is_more_at_once_while_the_end_of_the_log_is_not_reached(self):
        world = World(end=300_000, most=1_000_000)
        turns = []
        for _ in range(2):
            turns.append(world.turn())
            world.clock.move(1.0)
        assert [(turn.segment, turn.more) for turn in turns] == [(None, True), (None, False)]

    def test_aborted_transactions_alone_are_an_empty_segment(self):
        world = World(holes=frozenset(range(50)))
        world.run(calls=1)
        world.clock.move(30.0)
        world.run(calls=1)
        (commit,) = world.commits()
        assert (commit.start, commit.end, commit.messages) == (0, 50, 0)

    def test_a_segment_carries_where_it_is_from(self, world):
        segment = world.turn().segment
        where = (segment.topic, segment.topic_id, segment.partition)
        assert where == (OWNER.topic, OWNER.topic_id, OWNER.partition)

    def test_lag_monitors_see_a_fence_once_it_is_durable(self, world):
        world.run(calls=1)
        assert world.client.progress == []
        world.run(calls=2)
        assert world.client.progress == [20, 40]


class TestFence:
    def test_a_hint_below_the_fence_is_not_believed(self, world):
        world.foreign(2)
        assert world.given() == (20, 40)

    def test_a_hint_above_the_fence_is_not_believed_either(self, world):
        world.hint = 30
        assert world.run(calls=2) == [(0, 20), (20, 40)]
        assert world.hint == 40

    def test_what_was_read_ahead_is_kept_while_the_calls_go_on(self, world):
        world.run(calls=2)
        assert world.client.started == [(0, 0)]

    @pytest.mark.parametrize("hint", [0, 10, 30])
    def test_another_restriction_makes_it_read_the_fence_from_the_chain(self, world, hint):
        world.run(calls=1)
        world.foreign(1)  # by another process, before the job was restored here
        world.hint = hint
        assert world.given() == (30, 50)
        assert world.client.started[-1] == (0, 30)

    def test_a_partition_that_the_runner_has_twice_gets_on_all_the_same(self):
        world = World(end=10)
        for _ in range(18):
            assert world.stream.turn(0).segment is None
            assert world.stream.turn(5).segment is None
            world.clock.move(0.5)
        world.clock.move(10.0)
        assert world.given() == (0, 10)
        assert world.client.started == [(0, 0)]

    def test_it_is_thrown_away_when_another_writer_was_first(self, world):
        segment = world.turn().segment
        world.foreign(3)
        world.write(segment)
        assert world.given() == (30, 50)
        assert world.client.started == [(0, 0), (0, 30)]

    def test_it_is_thrown_away_when_the_segment_was_not_written(self, world):
        assert [world.given(), world.given()] == [(0, 20), (0, 20)]

    def test_two_threads_that_call_at_once_are_given_one_segment_after_the_other(self, world):
        with ThreadPoolExecutor(2) as pool:
            turns = list(pool.map(lambda _: world.stream.turn(0), range(2)))
        assert [turn.segment.start for turn in turns] == [0, 0]
        for turn in turns:
            world.write(turn.segment)
        assert [(c.start, c.end) for c in world.commits()] == [(0, 20)]


class TestLog:
    def test_what_the_broker_has_deleted_before_is_a_gap(self):
        world = World(first=7)
        world.run(calls=2)
        assert [(c.start, c.end, c.gaps) for c in world.commits()] == [
            (0, 27, ((0, 7),)),
            (27, 47, ()),
        ]

    def test_a_log_deleted_to_its_end_is_a_gap_and_told_in_time(self):
        world = World(first=50)
        assert world.run(calls=1) == []
        world.clock.move(30.0)
        world.run(calls=1)
        (commit,) = world.commits()
        assert (commit.start, commit.end, commit.gaps) == (0, 50, ((0, 50),))

    def test_retention_under_the_reader_is_a_gap_after_what_was_read(self):
        world = World(end=10)
        world.run(calls=1)
        world.log.first, world.log.end = 30, 60
        world.run(calls=5)
        assert [(c.start, c.end, c.gaps) for c in world.commits()] == [
            (0, 10, ()),
            (10, 50, ((10, 30),)),
        ]

    def test_a_log_that_was_cut_off_is_noticed_while_it_is_read(self, world):
        world.run(calls=2)
        world.clock.move(30.0)
        assert world.run(calls=1) == [(40, 50)]
        for _ in range(MAX_STALLS + 1):
            world.client.extra = [Arrival(topic=OWNER.topic, partition=0, lost=True)]
            world.run(calls=1)
        kind, reason = failure(world)
        assert kind == "refused"
        assert "its log was cut off" in reason

    def test_retention_that_is_faster_than_the_reader_time_and_again_is_no_truncation(self, world):
        for first in range(20, 20 + 100 * (MAX_STALLS + 1), 100):
            world.clock.move(30.0)
            world.run(calls=1)
            world.log.first, world.log.end = first + 80, first + 90
            world.client.extra = [Arrival(topic=OWNER.topic, partition=0, lost=True)]
            world.run(calls=2)
        assert failure(world)[0] == ""

    def test_a_log_shorter_than_the_lake_is_refused_when_it_is_taken_up(self, world):
        world.foreign(3)
        world.log.end = 29
        assert world.given() is None
        kind, reason = failure(world)
        assert kind == "refused"
        assert "fence of shop.events[0] is 30, its log ends at 29" in reason

    @pytest.mark.parametrize("when", ["before", "while it is gathered"])
    def test_a_topic_made_again_throws_away_what_was_read(self, world, when):
        world.log.end = 10
        if when != "before":
            assert world.given() is None
            world.clock.move(30.0)
        world.broker.topics[OWNER.topic].topic_id = "other"
        assert world.given() is None
        kind, reason = failure(world)
        assert kind == "refused"
        assert "adopt-topic" in reason
        assert world.commits() == []

    def test_once_the_new_topic_is_adopted_the_old_partition_is_over(self, world):
        world.broker.topics[OWNER.topic].topic_id = "other"
        assert not world.turn().over
        born(world.bucket, owner=PartitionId(OWNER.topic, "other", 0))
        assert not world.turn().over
        world.clock.move(OTHER_PAUSES_S[0])
        assert world.turn().over


class TestFailures:
    def test_an_outage_of_the_broker_claims_nothing_and_is_over_by_itself(self, world):
        world.broker.away = True
        assert world.run(calls=40) == []
        assert failure(world)[0] == "failed"
        world.broker.away = False
        world.clock.move(OUTAGE_PAUSES_S[1])
        assert world.run(calls=1) == [(0, 20)]

    def test_an_outage_between_reading_and_giving_out_loses_nothing(self, world):
        world.run(calls=3)
        world.broker.away = True
        world.clock.move(30.0)
        assert world.run(calls=1) == []
        world.broker.away = False
        given = world.run(calls=40)
        assert given == [(40, 50)]

    def test_a_sink_that_fails_is_told_once_and_tried_again_from_the_fence(self, world):
        world.store.fail(Fault.LOST_REQUEST, "put_object", key="data/")
        segment = world.turn().segment
        world.write(segment)
        assert failure(world)[0] == "failed"
        assert world.given() is None
        assert failure(world) == ("", "")
        world.clock.move(OUTAGE_PAUSES_S[1])
        assert world.run(calls=2) == [(0, 20), (20, 40)]
        assert failure(world) == ("", "")
        assert [(c.start, c.end) for c in world.commits()] == [(0, 20), (20, 40)]

    def test_an_error_of_the_client_stops_this_partition_only(self, world):
        refused = RefusedError("Kafka refuses", "Grant Read")
        world.run(calls=2)
        world.client.extra = [Arrival(topic=OWNER.topic, partition=0, error=refused)]
        assert world.given() is None
        assert failure(world) == ("refused", str(refused))
        assert not world.client._at

    def test_all_but_outages_are_alarms_and_tried_again_slowly(self, world, caplog):
        world.broker.topics[OWNER.topic].topic_id = "other"
        with caplog.at_level(logging.WARNING):
            world.run(calls=50)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "ALARM: shop.events[0]: the topic shop.events was deleted" in caplog.text
        world.broker.topics[OWNER.topic].topic_id = OWNER.topic_id
        world.clock.move(OTHER_PAUSES_S[0])
        assert world.run(calls=1) == [(0, 20)]

    def test_a_bug_tells_its_type_and_no_value(self, world, caplog):
        def broken(topic):
            raise KeyError("secret")

        world.broker.topic_id = broken
        world.run(calls=1)
        assert failure(world) == ("failed", "KeyError")
        assert "secret" not in caplog.text

    def test_two_writers_that_get_into_each_others_way_stop_and_name_the_other(self, world):
        world.log.end = 500
        for _ in range(5):
            segment = world.turn().segment
            world.foreign(2)
            world.write(segment)
            world.clock.move(1.0)
        world.lane.wait()
        assert world.given() is None
        kind, reason = failure(world)
        assert kind == "contention"
        assert "the writer other took 5 commits" in reason
        assert world.run(calls=int(OTHER_PAUSES_S[0]) - 2) == []
        world.clock.move(2.0)
        assert world.run(calls=1) == [(100, 120)]

    def test_segments_that_get_lost_now_and_then_are_no_failure(self, world):
        for start in (0, 20):
            assert [world.given() for _ in range(2)] == [(start, start + 20)] * 2
            world.hint = start
            world.run(calls=1)
        world.run(calls=1)
        assert failure(world) == ("", "")

    def test_segments_that_get_lost_on_the_way_name_the_cause(self, world):
        assert [world.given() for _ in range(4)] == [(0, 20), (0, 20), (0, 20), None]
        kind, reason = failure(world)
        assert kind == "failed"
        assert "one fused stage" in reason


class TestPauses:
    """How long a partition that failed waits."""

    def pause(self, world):
        """Makes it fail, and returns for how long it waits then."""
        world.broker.away = True
        while not world.stream._setback.waiting:
            world.turn()
            world.clock.move(0.1)
        begun = world.clock()
        while world.stream._setback.waiting:
            world.clock.move(0.25)
        world.broker.away = False
        return world.clock() - begun

    def test_pauses_grow_while_it_fails_and_are_short_again_once_it_gets_on(self, world):
        world.log.end = 500
        growing = [self.pause(world) for _ in range(8)]
        first, last = OUTAGE_PAUSES_S
        assert growing[0] == pytest.approx(first, abs=0.5)
        assert growing[-1] == pytest.approx(last, abs=0.5)
        assert growing == sorted(growing)
        world.run(calls=3)
        assert self.pause(world) == pytest.approx(first, abs=0.5)


class TestQuiet:
    def turn_after(self, world, seconds):
        world.clock.move(seconds)
        return world.turn()

    def test_a_partition_with_nothing_new_for_long_enough_is_quiet_as_of_the_question(self):
        world = World(end=0)
        assert self.turn_after(world, 30.0).quiet_at is None
        before = EPOCH + world.clock() + 31.0
        assert before <= self.turn_after(world, 31.0).quiet_at <= before + 2.0

    def test_the_broker_is_asked_now_and_then_only(self):
        world = World(end=0)
        assert self.turn_after(world, 61.0).quiet_at is not None
        assert self.turn_after(world, 30.0).quiet_at is None
        assert self.turn_after(world, 31.0).quiet_at is not None

    def test_what_is_still_being_gathered_is_not_quiet(self):
        world = World(end=10)
        world.turn()
        assert self.turn_after(world, 29.0).quiet_at is None

    def test_what_was_just_given_out_makes_the_wait_begin_anew(self):
        world = World(end=20)
        world.clock.move(50.0)
        world.run(calls=1)
        assert self.turn_after(world, 20.0).quiet_at is None
        assert self.turn_after(world, 45.0).quiet_at is not None

    def test_an_open_transaction_is_not_quiet(self):
        world = World(end=0, open=3)
        assert self.turn_after(world, 61.0).quiet_at is None

    def test_an_outage_is_not_quiet(self):
        world = World(end=0)
        world.turn()
        world.broker.away = True
        assert self.turn_after(world, 61.0).quiet_at is None
        assert failure(world)[0] == "failed"


class TestDeaths:
    """Processes that die in the segment at the fence, as a transform is killed by a message."""

    def died(self, bucket, times):
        for _ in range(times):
            World(bucket=bucket).turn()

    def test_a_segment_that_processes_died_of_is_rehearsed_and_what_kills_is_quarantined(self):
        def rehearse(segment):
            return Ending.DIED if segment.start <= 5 < segment.end else Ending.LIVED

        first = World()
        self.died(first.bucket, SUSPICIOUS_DEATHS)
        world = World(bucket=first.bucket, rehearse=rehearse)
        segment = world.turn().segment
        assert (segment.start, segment.end, is_quarantined(segment)) == (0, 20, True)

    def test_of_a_segment_that_is_let_pass_in_part_the_rest_comes_next(self):
        def rehearse(segment):
            return Ending.DIED if segment.messages.num_rows > 1_000 else Ending.LIVED

        first = World(end=3_000, most=1_500)
        self.died(first.bucket, SUSPICIOUS_DEATHS)
        world = World(end=3_000, most=1_500, bucket=first.bucket, rehearse=rehearse)
        assert world.run(calls=3)[:3] == [(0, 750), (750, 1_500), (1_500, 3_000)]

    def test_failures_that_the_process_outlives_are_no_deaths(self, world):
        world.store.fail(Fault.LOST_REQUEST, "put_object", key="data/", times=999)
        for _ in range(5):
            segment = world.turn().segment
            if segment is not None:
                world.write(segment)
            world.clock.move(OUTAGE_PAUSES_S[1])
        assert Attempts(world.bucket.store(), OWNER, 0).deaths == 1
