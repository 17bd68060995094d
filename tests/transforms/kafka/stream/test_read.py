"""What the runner sees of a stream: claims, what is deferred, the watermark."""

from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.io.restriction_trackers import OffsetRange
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import Duration, Timestamp

from tests.fakes.runner import call
from tests.fakes.stream_client import FakeClock
from tests.transforms.kafka.stream.worlds import EPOCH, World
from tests.transforms.lake.lakes import born
from tests.transforms.segments import NOON, OWNER
from transforms.errors import TopicReplacedError
from transforms.kafka import BrokerSettings, ReadFromKafkaConfig, StreamSettings
from transforms.kafka.discovery import failed_task
from transforms.kafka.stream import read
from transforms.kafka.stream.read import END, StreamSegmentsFn, _OpenEnd
from transforms.lake.names import PartitionId
from transforms.segment import Segment

CONFIG = ReadFromKafkaConfig(
    broker=BrokerSettings(bootstrap_servers="h:1"),
    topics=[OWNER.topic],
    lake_root="s3://bucket/lake",
    mode="stream",
    stream=StreamSettings(disorder_s=60.0, idle_after_s=60.0),
)


class FakeWorker:
    """A process with one partition."""

    def __init__(self, world):
        self.world = world

    def stream(self, task):
        return self.world.stream

    def lane(self, task):
        return self.world.lane


class Runner:
    """Calls the DoFn by hand, with what the last call deferred.

    Attributes:
        restriction: Of the next call; None when the element is done with.
        delay: What was asked for before it.
        claims: Offsets that were claimed, in order.
    """

    def __init__(self, world):
        self.world = world
        self.provider = _OpenEnd()
        self.restriction = self.provider.initial_restriction(world.task)
        self.delay = None
        self.claims = []
        self.estimator = ManualWatermarkEstimator(None)
        self.fn = StreamSegmentsFn(CONFIG)
        self.fn._worker = FakeWorker(world)

    def call(self, task=None, during=None, write=True):
        """Makes one call; returns the segments with their timestamps."""
        tracker = self.provider.create_tracker(self.restriction)
        claim = tracker.try_claim
        tracker.try_claim = lambda offset: self.claims.append(offset) or claim(offset)
        task = task or self.world.task
        made, deferred = call(self.fn, task, tracker, self.estimator, during)
        for each in made if write else ():
            self.world.write(each.value)
        self.restriction, self.delay = deferred or (None, None)
        return made

    def given(self, **how):
        return [(each.value.start, each.value.end) for each in self.call(**how)]

    @property
    def watermark(self):
        return self.estimator.current_watermark()


@pytest.fixture
def runner():
    return Runner(World())


class TestClaims:
    def test_nothing_is_claimed_until_a_segment_is_due_and_the_restriction_stays(self):
        runner = Runner(World(end=10))
        for _ in range(3):
            assert runner.given() == []
            assert runner.restriction == OffsetRange(0, END)
            assert Duration(1) < runner.delay < Duration(2)
        assert runner.claims == []

    def test_then_one_segment_is_claimed_and_the_rest_deferred_without_a_pause(self, runner):
        assert runner.given() == [(0, 20)]
        assert runner.claims == [19]
        assert runner.restriction == OffsetRange(20, END)
        assert runner.delay <= Duration(0)

    def test_calls_go_on_from_one_another(self, runner):
        assert [runner.given() for _ in range(3)] == [[(0, 20)], [(20, 40)], []]
        assert runner.claims == [19, 39]
        # Paused once, when there was enough for a segment, and never sought back.
        assert runner.world.client.started == [(0, 0), (0, 50)]

    def test_what_lies_below_the_restriction_is_given_out_without_a_claim(self, runner):
        runner.restriction = OffsetRange(30, END)
        assert [runner.given() for _ in range(2)] == [[(0, 20)], [(20, 40)]]
        assert runner.claims == [39]
        assert runner.restriction == OffsetRange(40, END)

    def test_a_restriction_below_the_fence_is_claimed_up_to_the_segments_end(self, runner):
        runner.world.foreign(2)
        assert runner.given() == [(20, 40)]
        assert runner.claims == [39]

    def test_what_could_not_be_claimed_is_not_given_out_and_comes_again(self, runner):
        assert runner.given(during=lambda tracker: tracker.try_split(0)) == []
        runner.restriction = OffsetRange(0, END)
        assert runner.given() == [(0, 20)]

    def test_a_failure_ends_no_call(self, runner):
        runner.world.broker.away = True
        assert runner.given() == []
        assert runner.restriction == OffsetRange(0, END)

    def test_a_topic_that_is_refused_is_reported_once_and_done_with(self, runner):
        refused = TopicReplacedError("the topic was made again")
        task = failed_task(PartitionId(OWNER.topic, "", 0), refused)
        assert runner.given(task=task) == []
        assert runner.restriction is None
        outcome = runner.world.lane.outcome()
        assert (outcome.failure, outcome.reason) == ("refused", "the topic was made again")

    def test_a_partition_that_is_over_is_done_with(self, runner):
        runner.world.broker.topics[OWNER.topic].topic_id = "other"
        born(runner.world.bucket, owner=PartitionId(OWNER.topic, "other", 0))
        assert runner.given() == []
        assert runner.restriction is None

    @pytest.mark.parametrize("fraction", [0.1, 0.5, 1])
    def test_a_partition_is_never_split(self, fraction):
        tracker = _OpenEnd().create_tracker(OffsetRange(0, END))
        assert tracker.try_split(fraction) is None
        assert not tracker.is_bounded()


class TestWatermark:
    def test_a_segment_moves_it_to_the_latest_message_less_the_disorder(self, runner):
        assert runner.watermark is None
        (given,) = runner.call()
        assert given.timestamp == Timestamp(NOON.timestamp())
        assert runner.watermark == Timestamp(NOON.timestamp() + 19 - 60)

    def test_nothing_moves_it_while_a_segment_is_gathered(self):
        runner = Runner(World(end=10))
        runner.call()
        assert runner.watermark is None

    def test_a_quiet_partition_moves_it_with_the_clock(self):
        runner = Runner(World(end=0))
        runner.world.clock.move(61.0)
        runner.call()
        now = EPOCH + runner.world.clock()
        assert Timestamp(now - 62) <= runner.watermark <= Timestamp(now - 60)

    def test_an_outage_does_not(self):
        runner = Runner(World(end=0))
        runner.call()
        runner.world.broker.away = True
        runner.world.clock.move(61.0)
        runner.call()
        assert runner.watermark is None


class TickingClock(FakeClock):
    """Moves on whenever it is asked, so that a runner that doesn't wait gets on."""

    def __call__(self):
        self.time += 0.05
        return self.time


class _WriteFn(beam.DoFn):
    """Writes and, as the sink does, waits at the end of the bundle."""

    def process(self, segment: Segment) -> Iterator[tuple[int, int]]:
        WORLDS[0].write(segment)
        yield segment.start, segment.end

    def finish_bundle(self):
        WORLDS[0].lane.wait()


#: The DoFn reaches the runner as a copy.
WORLDS = []


def test_the_fn_api_runner_reads_over_calls_that_claim_nothing(monkeypatch):
    world = World(end=50, most=20, clock=TickingClock())
    turns, turn = [], world.stream.turn
    monkeypatch.setattr(world.stream, "turn", lambda hint: turns.append(turn(hint)) or turns[-1])
    monkeypatch.setattr(read, "borrow", lambda _config: FakeWorker(world))
    monkeypatch.setattr(read, "give_back", lambda _worker: None)
    monkeypatch.setattr("tests.transforms.kafka.stream.test_read.WORLDS", [world])
    # An end, so that the pipeline ends.
    monkeypatch.setattr(_OpenEnd, "initial_restriction", lambda _self, _task: OffsetRange(0, 50))

    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        _ = (
            pipeline
            | beam.Create([world.task])
            | beam.ParDo(StreamSegmentsFn(CONFIG))
            | beam.ParDo(_WriteFn())
        )

    assert [(c.start, c.end, c.messages) for c in world.commits()] == [
        (0, 20, 20),
        (20, 40, 20),
        (40, 50, 10),
    ]
    assert sum(turn.segment is None for turn in turns) > 3
