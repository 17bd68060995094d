"""The fence rules the reader."""

from dataclasses import replace

import pytest

from tests.fakes.broker import FakeBroker, FakePartition, FakeSource, FakeTopic
from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.lake.test_chain import grow
from tests.transforms.segments import LAYOUTS, OWNER, with_verdicts
from transforms.errors import (
    PipelineError,
    SegmentError,
    StoreUnavailableError,
    TopicReplacedError,
)
from transforms.guard import is_quarantined
from transforms.kafka import PartitionTask, SegmentLimits
from transforms.kafka.reader import MAX_STALLS, read_segments
from transforms.lake.attempts import Attempts
from transforms.lake.writer import SegmentWriter
from transforms.rehearsal import Ending

#: Of the message that no process survives.
DEADLY = 25


class World:
    """A partition of 50 messages, a lake, one reading process and its sink."""

    def __init__(self, end=50, **log):
        topic = FakeTopic(OWNER.topic_id, {0: FakePartition(end, **log)})
        self.broker = FakeBroker({OWNER.topic: topic})
        self.source = FakeSource(self.broker, OWNER.topic, 0)
        self.bucket = FakeBucket()
        born(self.bucket)
        self.lane = new_lane(self.bucket.store())
        self.end = end
        self.given = []

    @property
    def log(self):
        return self.source.log

    def segments(self, hint=0, most=10):
        task = PartitionTask(
            topic=OWNER.topic, topic_id=OWNER.topic_id, partition=0, fence=hint, wanted=self.end
        )
        for segment in read_segments(task, self.lane, self.source, SegmentLimits(messages=most)):
            self.given.append((segment.start, segment.end))
            yield segment

    def write(self, segment):
        writer = SegmentWriter(LAYOUTS, [], "me")
        self.lane.submit(lambda: writer.write(self.lane, with_verdicts(segment)))

    def run(self, **how):
        for segment in self.segments(**how):
            self.write(segment)

    def commits(self):
        return [tail.commit for tail in new_lane(self.bucket.store()).chain.read_from(1)]

    def foreign(self, commits=1):
        grow(self.bucket.store(), commits)


@pytest.fixture
def world():
    return World()


def test_segments_adjoin_from_the_fence_to_the_wanted_end(world):
    world.run()
    assert world.given == [(n, n + 10) for n in range(0, 50, 10)]
    assert [commit.count("accepted") for commit in world.commits()] == [10] * 5
    assert world.source.progress == [0, 10, 20, 30, 40, 50]


def test_a_second_run_has_nothing_to_do(world):
    world.run()
    world.given.clear()
    world.run()
    assert world.given == []


def test_holes_at_the_end_are_part_of_the_last_segment():
    world = World(holes=frozenset(range(45, 50)))
    world.run()
    assert world.given[-1] == (40, 50)
    assert world.commits()[-1].messages == 5


def test_a_range_of_holes_only_is_one_empty_segment():
    world = World(holes=frozenset(range(50)))
    world.run()
    assert world.given == [(0, 50)]
    assert world.commits()[0].messages == 0


def test_a_hint_above_the_fence_is_not_believed(world):
    world.run(hint=30)
    assert world.given[0] == (0, 10)


def test_a_hint_below_the_fence_is_not_believed_either(world):
    world.foreign(2)
    world.run(hint=0)
    assert world.given[0] == (20, 30)


def test_the_next_segment_is_not_given_out_before_the_last_is_durable(world):
    segments = world.segments()
    world.write(next(segments))
    fence_at_second = []
    second = next(segments)
    fence_at_second.append(world.lane.fence)
    assert fence_at_second == [second.start] == [10]


def test_a_foreign_commit_sends_the_reader_to_the_new_fence(world):
    for segment in world.segments():
        if segment.start == 10:
            world.foreign(2)  # takes 10-30
        world.write(segment)
    assert world.given == [(0, 10), (10, 20), (30, 40), (40, 50)]
    assert [commit.writer for commit in world.commits()] == ["me", "other", "other", "me", "me"]
    assert world.source.fetched.count((20, 30)) == 1  # fetched ahead and thrown away


def test_a_foreign_commit_into_the_middle_trims(world):
    grow_by_15 = iter([True])
    for segment in world.segments(most=15):
        if next(grow_by_15, False):
            world.foreign(1)
        world.write(segment)
    assert [(c.start, c.end) for c in world.commits()][:2] == [(0, 10), (10, 15)]
    assert world.commits()[-1].end == 50


def test_what_the_broker_has_deleted_before_is_a_gap():
    world = World(first=7)
    world.run()
    assert world.given[0] == (0, 17)
    first = world.commits()[0]
    assert (first.start, first.gaps, first.messages) == (0, ((0, 7),), 10)


def test_retention_under_the_reader_is_a_gap_too(world):
    for segment in world.segments():
        if segment.start == 10:
            world.log.first = 33
        world.write(segment)
    assert [gap for commit in world.commits() for gap in commit.gaps] == [(20, 33)]
    assert world.commits()[-1].end == 50


def test_retention_between_the_question_and_the_fetch_loses_nothing(world):
    asked = world.source.earliest
    answers = iter([0])  # as it was before retention deleted up to 5
    world.log.first = 5
    world.source.earliest = lambda: next(answers, None) or asked()
    world.run()
    assert [commit.gaps for commit in world.commits() if commit.gaps] == [((0, 5),)]
    assert sum(commit.messages for commit in world.commits()) == 45


def test_a_log_deleted_to_its_end_is_one_gap():
    world = World(first=50)
    world.run()
    (commit,) = world.commits()
    assert (commit.start, commit.end, commit.gaps) == (0, 50, ((0, 50),))


def test_a_log_deleted_beyond_the_wanted_end_is_a_gap_up_to_that_end():
    world = World(first=50)
    world.log.first = 80
    world.run()
    assert world.commits()[-1].gaps == ((0, 50),)


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_topic_made_again_throws_away_what_was_read(world, when):
    segments = world.segments()
    world.write(next(segments))
    fetch = world.source.fetch

    def replaced(*args):
        world.broker.topics[OWNER.topic].topic_id = "other"
        return fetch(*args)

    if when == "before":
        world.broker.topics[OWNER.topic].topic_id = "other"
    else:
        world.source.fetch = replaced
    with pytest.raises(TopicReplacedError, match="adopt-topic"):
        next(segments)
    assert world.given == [(0, 10)]
    assert bool(world.source.fetched[1:]) == (when == "during")


def test_segments_that_are_never_written_stop_the_run_with_the_cause(world):
    with pytest.raises(SegmentError, match="one fused stage"):
        for _ in world.segments():
            pass
    assert world.given == [(0, 10)] * MAX_STALLS


def test_a_write_that_failed_ends_the_reading(world):
    segments = world.segments()
    next(segments)
    world.lane.fail(StoreUnavailableError("away"))
    assert list(segments) == []


def test_a_segment_carries_where_it_is_from(world):
    segment = next(world.segments())
    where = (segment.topic, segment.topic_id, segment.partition)
    assert where == (OWNER.topic, OWNER.topic_id, OWNER.partition)
    assert replace(segment, messages=None).rows == {}


class TestDeaths:
    """Runs that die in the first segment, as a transform is killed by a message."""

    def run(self, world, rehearse=None, most=10):
        """Reads with a process of its own; dies of the deadly message unless it is quarantined."""
        lane = new_lane(world.bucket.store())
        writer = SegmentWriter(LAYOUTS, [], "me")
        task = PartitionTask(
            topic=OWNER.topic, topic_id=OWNER.topic_id, partition=0, fence=0, wanted=world.end
        )
        for segment in read_segments(
            task, lane, world.source, SegmentLimits(messages=most), rehearse
        ):
            if DEADLY in segment.offsets and not is_quarantined(segment):
                raise KeyboardInterrupt  # The end of the process: nothing that it could catch.
            done = segment if is_quarantined(segment) else with_verdicts(segment)
            lane.submit(lambda done=done: writer.write(lane, done))
        lane.wait()

    @pytest.mark.parametrize("most", [10, 100])
    def test_the_range_that_kills_is_quarantined_once_two_runs_came_no_further(self, world, most):
        tried = []

        def rehearse(segment):
            tried.append((segment.start, segment.end))
            return Ending.DIED if DEADLY in segment.offsets else Ending.LIVED

        deaths = 0
        while deaths < 10:
            try:
                self.run(world, rehearse, most)
            except KeyboardInterrupt:
                deaths += 1
            else:
                break
        assert deaths == (3 if most == 10 else 2)
        gone = [commit for commit in world.commits() if commit.count("dead_letter")]
        assert [(c.start, c.end) for c in gone] == [(20, 30) if most == 10 else (0, 50)]
        assert sum(commit.messages for commit in world.commits()) == 50

    def test_runs_that_end_in_order_are_never_suspected(self, world):
        for _ in range(5):
            lane = new_lane(world.bucket.store())
            task = PartitionTask(
                topic=OWNER.topic, topic_id=OWNER.topic_id, partition=0, fence=0, wanted=world.end
            )
            for _ in read_segments(task, lane, world.source, SegmentLimits()):
                lane.fail(PipelineError("the sink's own trouble"))
        assert Attempts(world.bucket.store(), OWNER, 0).deaths == 0
