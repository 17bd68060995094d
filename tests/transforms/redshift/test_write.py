"""``WriteToRedshift``: a batch is a sign, an outage an outcome, and a call of a stream is short."""

import pickle
import threading

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from tests.fakes.lake import DATASET, TOPIC, FakeLake, segment
from tests.fakes.runner import FakeTracker
from transforms.errors import (
    ConfigurationError,
    LakeMismatchError,
    WarehouseUnavailableError,
)
from transforms.lake import CommitBatch, commits
from transforms.redshift import (
    LoadOutcome,
    LoadPlan,
    LoadResult,
    RawTable,
    RedshiftSettings,
    WriteToRedshift,
    WriteToRedshiftConfig,
    write,
)
from transforms.redshift.background import BackgroundLoad
from transforms.redshift.outcome import read_loads
from transforms.redshift.write import _LoadFn, make_loader

ROWS = segment(0, 1).rows[DATASET].schema
#: Longer than any call may take here.
LONG_S = 30.0
#: Of a stream's calls here.
SHORT_S = 0.01


def config(**changes) -> WriteToRedshiftConfig:
    usual = {
        "lake_root": "s3://bucket/lake",
        "plan": LoadPlan((RawTable(dataset=DATASET, topics=(TOPIC,), schema=ROWS),)),
        # Nobody listens there.
        "redshift": RedshiftSettings(
            host="127.0.0.1", port=1, user="u", password="env:HOME", patience_s=0.0
        ),
    }
    return WriteToRedshiftConfig(**(usual | changes))


class FakeLoader:
    """Each load waits until it is let go on, then ends as the next of a list says."""

    def __init__(self, *ends: LoadResult | Exception | None) -> None:
        self.ends = list(ends)
        self.begun = 0
        self.gate = threading.Semaphore(0)
        self.was_stopped = False

    def load(self):
        end = self.ends[self.begun]
        self.begun += 1
        assert self.gate.acquire(timeout=LONG_S)
        if isinstance(end, Exception):
            raise end
        if end is not None:
            yield end

    def stop(self):
        self.was_stopped = True
        self.gate.release()


AWAY = WarehouseUnavailableError("it is away", "Wait")
FORK = LakeMismatchError("it is a fork", "Bring the lake back")
LOADED = LoadOutcome(result=LoadResult(1))
FAILED = LoadOutcome(failure="failed", reason=str(AWAY))


@pytest.fixture
def step(monkeypatch):
    """``step(loader, **config)``: a step that has been set up, and travelled before."""
    made = []

    def make(loader: FakeLoader, **changes) -> _LoadFn:
        monkeypatch.setattr(write, "make_loader", lambda _: loader)
        found = pickle.loads(pickle.dumps(_LoadFn(config(**changes))))
        found.setup()
        made.append(found)
        return found

    yield make
    for each in made:
        each.teardown()


def call(step: _LoadFn, sign: str = "a"):
    """One call: its outcomes, and what became of its restriction."""
    tracker = FakeTracker()
    return list(step.process(sign, tracker)), tracker.did


def settle(step: _LoadFn) -> None:
    step._load.join(LONG_S)


class TestStream:
    def test_a_slow_load_is_polled_in_short_calls(self, step):
        loader = FakeLoader(LoadResult(1))
        polled = step(loader, call_s=SHORT_S)
        for _ in range(3):
            assert call(polled) == ([], "deferred 1 s")
        loader.gate.release()
        settle(polled)
        assert call(polled) == ([LOADED], "claimed")
        assert loader.begun == 1

    def test_a_sign_that_comes_while_a_load_runs_gets_one_of_its_own(self, step):
        """That one may have looked before this sign's commits were there."""
        loader = FakeLoader(LoadResult(1), None)
        polled = step(loader, call_s=SHORT_S)
        assert call(polled, "a") == ([], "deferred 1 s")
        assert call(polled, "b") == ([], "deferred 1 s")
        loader.gate.release()
        settle(polled)
        assert call(polled, "b") == ([LOADED], "deferred 1 s")
        assert call(polled, "b") == ([], "deferred 1 s")
        loader.gate.release()
        settle(polled)
        assert call(polled, "b") == ([], "claimed")
        assert loader.begun == 2

    def test_signs_that_pile_up_behind_a_slow_load_wait_for_nothing_and_share_the_next(
        self, step, monkeypatch
    ):
        waited = []
        poll = BackgroundLoad.poll
        monkeypatch.setattr(
            BackgroundLoad, "poll", lambda load, s: waited.append(s) or poll(load, s)
        )
        loader = FakeLoader(LoadResult(1), None)
        polled = step(loader, call_s=SHORT_S)
        for sign in "abcd":
            assert call(polled, sign) == ([], "deferred 1 s")
        assert waited == [SHORT_S, 0.0, 0.0, 0.0]

        loader.gate.release()
        settle(polled)
        assert call(polled, "c") == ([LOADED], "deferred 1 s")
        assert call(polled, "c") == ([], "deferred 1 s")  # It has begun the next one.
        assert [call(polled, sign) for sign in "abd"] == [([], "claimed")] * 3
        loader.gate.release()
        settle(polled)
        assert call(polled, "c") == ([], "claimed")
        assert loader.begun == 2

    def test_a_sign_that_came_before_a_load_that_fails_leaves_the_next_try_to_its_own(self, step):
        loader = FakeLoader(None, AWAY, None)
        polled = step(loader, call_s=SHORT_S)
        for sign in "abc":
            call(polled, sign)
        loader.gate.release()
        settle(polled)
        assert call(polled, "b") == ([], "deferred 1 s")
        assert call(polled, "b") == ([], "deferred 1 s")
        loader.gate.release()
        settle(polled)
        assert call(polled, "c") == ([FAILED], "claimed")
        assert call(polled, "b") == ([], "deferred 1 s")
        loader.gate.release()
        settle(polled)
        assert call(polled, "b") == ([], "claimed")
        assert loader.begun == 3

    def test_an_outage_is_told_and_its_sign_is_tried_again(self, step):
        loader = FakeLoader(AWAY, None)
        polled = step(loader, call_s=LONG_S)
        loader.gate.release()
        assert call(polled) == ([FAILED], "deferred 30 s")
        loader.gate.release()
        assert call(polled) == ([], "claimed")

    def test_a_refusal_is_told_and_not_tried_again(self, step):
        loader = FakeLoader(FORK)
        polled = step(loader, call_s=LONG_S)
        loader.gate.release()
        (told,), did = call(polled)
        assert (told.failure, did) == ("refused", "claimed")

    def test_the_end_of_a_worker_ends_its_load(self, step):
        loader = FakeLoader(None)
        polled = step(loader, call_s=SHORT_S)
        call(polled)
        polled.teardown()
        assert loader.was_stopped
        assert not polled._load.is_alive()

    def test_on_a_runner_each_sign_ends_with_its_load(self, monkeypatch):
        loader = FakeLoader(LoadResult(1))
        monkeypatch.setattr(write, "make_loader", lambda _: loader)
        threading.Timer(0.2, loader.gate.release).start()
        with TestPipeline() as pipeline:
            loaded = (
                pipeline | beam.Create([CommitBatch(())]) | WriteToRedshift(config(call_s=0.02))
            )
            assert_that(loaded, equal_to([LOADED]))
        assert loader.begun == 1

    def test_a_call_takes_some_time(self):
        with pytest.raises(ConfigurationError, match="call_s must be above 0, got 0"):
            config(call_s=0)


class TestDrain:
    def test_one_call_waits_for_the_whole_load(self, step):
        loader = FakeLoader(LoadResult(1))
        threading.Timer(0.05, loader.gate.release).start()
        assert call(step(loader)) == ([LOADED], "claimed")

    @pytest.mark.parametrize("error", [AWAY, FORK])
    def test_a_failure_is_met_and_told_once(self, step, error):
        loader = FakeLoader(error)
        drained = step(loader)
        loader.gate.release()
        (told,), did = call(drained, "a")
        assert (told.reason, did) == (str(error), "claimed")
        assert call(drained, "b") == ([], "claimed")
        assert loader.begun == 1

    def test_a_call_that_is_broken_off_ends_its_load(self, step):
        loader = FakeLoader(LoadResult(1))
        broken = step(loader)
        loader.gate.release()
        calling = broken.process("a", FakeTracker())
        next(calling)
        calling.close()
        assert loader.was_stopped


class TestAsAStep:
    def test_the_configuration_travels_to_workers(self):
        assert pickle.loads(pickle.dumps(config())) == config()
        assert make_loader(config()).load()

    def test_an_outage_does_not_end_the_pipeline(self):
        with TestPipeline() as pipeline:
            failures = (
                pipeline
                | beam.Create([CommitBatch(())])
                | WriteToRedshift(config())
                | beam.Map(lambda outcome: (outcome.failure, "broke" in outcome.reason))
            )
            assert_that(failures, equal_to([("failed", True)]))

    def test_the_outcomes_are_added_to_the_runs_report(self, monkeypatch):
        lake = FakeLake()
        loader = FakeLoader(LoadResult(1), LoadResult(2))
        loader.gate.release(2)
        monkeypatch.setattr(write, "make_loader", lambda _: loader)
        monkeypatch.setattr(write, "ObjectStore", lambda root, settings: lake.store)
        batches = [CommitBatch((tail,)) for tail in _two(lake)]
        with TestPipeline() as pipeline:
            _ = pipeline | beam.Create(batches) | WriteToRedshift(config(run_id="run-1"))
        assert [each.result.load_id for each in read_loads(lake.store, "run-1")] == [1, 2]


def _two(lake: FakeLake):
    lake.write(segment(0, 3))
    return list(commits(lake.store, lake.manifest))
