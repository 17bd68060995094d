"""What the runner sees of a stream of commits: claims, what is deferred, the watermark."""

import pickle

import apache_beam as beam
import pytest
from apache_beam.io.watch import PollResult
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Duration, Timestamp

from tests import plans
from tests.fakes.lake import DAY_MS, TOPIC, TOPIC_ID, FakeLake, segment
from tests.fakes.object_store import Fault
from tests.fakes.runner import call
from tests.transforms.lake.test_new_commits import lake_of
from transforms.lake import (
    CommitBatch,
    FollowSettings,
    ReadCommits,
    ReadCommitsConfig,
    StoreSettings,
    commit_stream,
)
from transforms.lake.commit_stream import (
    Follow,
    FollowTracker,
    StreamCommitsFn,
    _FollowProvider,
    _Look,
    store_of,
)
from transforms.lake.new_commits import Mark

FOLLOW = FollowSettings(disorder_s=60.0, idle_after_s=100.0, poll_every_s=5.0)
CONFIG = ReadCommitsConfig(lake_root="s3://bucket/lake", mode="stream", follow=FOLLOW)
CHAIN = (TOPIC, TOPIC_ID, 0)
#: Midnight, where offsets count from, in seconds.
DAY_S = DAY_MS / 1000


class Runner:
    """Calls the DoFn by hand, with what the last call deferred.

    Attributes:
        restriction: Of the next call.
        delay: What was asked for before it.
    """

    def __init__(self, lake, monkeypatch):
        self.lake = lake
        monkeypatch.setattr(commit_stream, "ObjectStore", lambda _root, _settings: lake.store)
        self.provider = _FollowProvider()
        self.restriction = self.provider.initial_restriction(CHAIN)
        self.estimator = ManualWatermarkEstimator(None)
        self.delay = None
        self.start()

    def start(self):
        self.fn = StreamCommitsFn(CONFIG)
        self.fn.setup()

    def call(self, during=None):
        tracker = self.provider.create_tracker(self.restriction)
        made, deferred = call(self.fn, CHAIN, tracker, self.estimator, during)
        if deferred:
            self.restriction, self.delay = deferred
        return made

    def given(self, **how):
        return [[t.commit.seq for t in each.value.tails] for each in self.call(**how)]

    @property
    def watermark(self):
        return self.estimator.current_watermark()


@pytest.fixture
def runner(monkeypatch):
    return Runner(lake_of(20, 20, partitions=1), monkeypatch)


class TestClaims:
    def test_commits_are_claimed_by_the_last_one_and_the_rest_is_deferred(self, runner):
        assert runner.given() == [[0, 1, 2]]
        assert runner.restriction == Follow(Mark(2, runner.lake.lane().chain.read(2).sha256))
        assert Duration(4) < runner.delay < Duration(5)

    def test_nothing_is_claimed_while_nothing_is_new_and_the_restriction_stays(self, runner):
        runner.call()
        held = runner.restriction
        assert [runner.given() for _ in range(3)] == [[], [], []]
        assert runner.restriction == held

    def test_a_restored_restriction_is_gone_on_from(self, runner):
        runner.call()
        held = runner.restriction
        runner.lake.write(segment(40, 50))
        assert runner.given() == [[3]]
        runner.restriction = pickle.loads(pickle.dumps(held))
        runner.start()
        assert runner.given() == [[3]]

    def test_what_could_not_be_claimed_is_not_given_out_and_comes_again(self, runner):
        assert runner.given(during=lambda tracker: tracker.try_split(0)) == []
        assert runner.given() == [[0, 1, 2]]

    def test_a_failure_ends_no_call(self, runner):
        runner.lake.store.fail(Fault.DENIED, "get_object")
        assert runner.given() == []
        assert runner.restriction == Follow()

    def test_more_is_asked_for_at_once(self, runner, monkeypatch):
        monkeypatch.setattr("transforms.lake.following._CALL_S", -1.0)
        assert [runner.given() for _ in range(4)] == [[[0]], [[1]], [[2]], []]
        assert runner.delay > Duration(4)
        runner.lake.write(segment(40, 50), segment(50, 60))
        runner.call()
        assert runner.delay <= Duration(0)


class TestTracker:
    @pytest.mark.parametrize("fraction", [0.1, 0.5, 1])
    def test_a_chain_is_never_split(self, fraction):
        assert FollowTracker(Follow()).try_split(fraction) is None

    def test_the_rest_is_what_comes_after_the_last_claim(self):
        tracker = FollowTracker(Follow())
        tracker.try_claim(Mark(3, "ab"))
        done, rest = tracker.try_split(0)
        assert rest == Follow(Mark(3, "ab"))
        assert done.ended
        assert not tracker.try_claim(Mark(4, "cd"))
        assert tracker.try_split(0) is None
        assert tracker.check_done()

    def test_a_rest_that_was_not_handed_back_is_noticed(self):
        tracker = FollowTracker(Follow())
        assert not tracker.is_bounded()
        with pytest.raises(ValueError, match="did not hand back"):
            tracker.check_done()


class TestWatermark:
    def test_commits_move_it_to_the_youngest_event_less_the_disorder(self, runner):
        (given,) = runner.call()
        # Offset 0 is of the day before; offset 39 is 39 ms after midnight.
        assert given.timestamp == Timestamp(DAY_S - 86_400)
        assert runner.watermark == Timestamp(DAY_S + 0.039 - 60)

    def test_nothing_moves_it_while_nothing_is_new(self, runner):
        runner.call()
        before = runner.watermark
        runner.call()
        assert runner.watermark == before

    def test_a_quiet_chain_moves_it_with_the_clock(self, runner, monkeypatch):
        runner.call()
        before = runner.watermark
        follower = runner.fn._followers[CHAIN]
        now = follower._clock()
        monkeypatch.setattr(follower, "_clock", lambda: now + 120.0)
        runner.call()
        assert Duration(119) < runner.watermark - before < Duration(121)

    def test_late_rows_do_not_make_their_batch_late(self, runner):
        runner.call()
        runner.lake.write(segment(40, 120))  # Offset 100 is of the day before.
        (given,) = runner.call()
        assert given.timestamp == Timestamp(DAY_S + 0.039 - 60)


class TestLook:
    @pytest.fixture
    def look(self, monkeypatch):
        self.lake = FakeLake({0: 0, 1: 0})
        monkeypatch.setattr(commit_stream, "ObjectStore", lambda _root, _settings: self.lake.store)
        monkeypatch.setattr(commit_stream.time, "time", lambda: 1_000.0)
        return lambda **config: pickle.loads(
            pickle.dumps(_Look(ReadCommitsConfig(lake_root="s3://b/l", follow=FOLLOW, **config)))
        )

    def test_it_gives_all_chains_and_moves_the_watermark_on(self, look):
        result = look()(b"")
        assert isinstance(result, PollResult)
        assert [each.value for each in result.outputs] == [CHAIN, (TOPIC, TOPIC_ID, 1)]
        assert result.watermark == 940
        assert not result.is_complete

    def test_a_topic_made_anew_is_another_chain(self, look):
        self.lake.begin("other", {0: 0})
        assert (TOPIC, "other", 0) in [each.value for each in look()(b"").outputs]

    def test_only_the_topics_that_are_asked_for_are_given(self, look):
        assert look(topics=frozenset({"another"}))(b"").outputs == ()
        assert len(look(topics=frozenset({TOPIC}))(b"").outputs) == 2

    def test_an_outage_gives_none_and_does_not_end_the_watch(self, look, caplog):
        watch = look()
        self.lake.store.fail(Fault.DENIED, "list_objects_v2", times=3)
        assert [len(watch(b"").outputs) for _ in range(4)] == [0, 0, 0, 2]
        assert len(caplog.records) == 2


def test_an_outage_is_not_waited_out_within_a_call():
    patient = ReadCommitsConfig(lake_root="s3://b/l", store=StoreSettings(patience_s=120.0))
    assert store_of(patient).settings.patience_s == 2.0


def test_the_fn_api_runner_reads_over_calls_that_claim_nothing(monkeypatch):
    lake = lake_of(5, 5, 5, 5, partitions=2)
    monkeypatch.setattr(commit_stream, "ObjectStore", lambda _root, _settings: lake.store)
    monkeypatch.setattr("transforms.lake.following._CALL_S", -1.0)  # One commit a call.
    left = {"calls": 12}

    def defer(self, fraction):
        # An end, so that the pipeline ends: after so many calls nothing is left.
        left["calls"] -= 1
        done, rest = split(self, fraction)
        return (done, rest) if left["calls"] > 0 else None

    split = FollowTracker.try_split
    monkeypatch.setattr(FollowTracker, "try_split", defer)
    chains = [CHAIN, (TOPIC, TOPIC_ID, 1)]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        seen = (
            pipeline
            | beam.Create(chains)
            | beam.ParDo(StreamCommitsFn(CONFIG))
            | beam.Map(lambda b: [(t.commit.partition, t.commit.seq) for t in b.tails])
        )
        assert_that(seen, equal_to([[(p, seq)] for p in (0, 1) for seq in (0, 1, 2)]))


def test_what_is_made_of_the_batches_is_fused_with_their_reading():
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    batches = pipeline | ReadCommits(CONFIG)
    assert not batches.is_bounded
    _ = batches | "Take" >> beam.Map(_take)
    (together,) = [each for each in plans.stages(pipeline) if "Take" in each]
    assert any("FollowChains" in name for name in together)


def _take(batch: CommitBatch) -> int:
    return len(batch.tails)
