"""A load in a thread: polled, ended, and its failures told as outcomes."""

import threading
import time
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from tests.figures import counters, distributions, gauges
from transforms.errors import LakeMismatchError, WarehouseUnavailableError
from transforms.metrics import (
    LOAD_SECONDS,
    LOADED_ROWS,
    LOADED_TIMESTAMP_SECONDS,
    LOADS,
    REJECTED_ROWS,
    RETRIES,
    tell,
)
from transforms.redshift import LoadOutcome, LoadResult
from transforms.redshift.background import BackgroundLoad, outcomes
from transforms.redshift.batch import TableCounts
from transforms.redshift.figures import tell_load

#: Longer than any call may take here.
LONG_S = 30.0


class FakeLoader:
    """Loads when it is let go on; then fails, if it is to."""

    def __init__(self, *results: LoadResult, error: Exception | None = None) -> None:
        self.results, self.error = results, error
        self.may_go_on = threading.Event()
        self.was_stopped = threading.Event()

    def load(self):
        assert self.may_go_on.wait(LONG_S)
        if self.was_stopped.is_set():
            raise WarehouseUnavailableError("the load was stopped")
        yield from self.results
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        self.was_stopped.set()
        self.may_go_on.set()


@pytest.fixture
def loader():
    made = FakeLoader(LoadResult(1), LoadResult(2))
    yield made
    made.may_go_on.set()


def begun(loader: FakeLoader) -> BackgroundLoad:
    load = BackgroundLoad(loader)
    load.start()
    return load


class TestOutcomes:
    def of(self, error=None):
        loader = FakeLoader(LoadResult(1), error=error)
        loader.may_go_on.set()
        return list(outcomes(loader))

    def test_each_load_is_an_outcome(self):
        assert self.of() == [LoadOutcome(result=LoadResult(1))]

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (WarehouseUnavailableError("it is away", "Wait"), "failed"),
            (LakeMismatchError("a fork", "Bring it back"), "refused"),
        ],
    )
    def test_a_failure_is_the_last_outcome(self, error, kind):
        assert self.of(error)[1:] == [LoadOutcome(failure=kind, reason=str(error))]

    def test_a_bug_is_no_outcome(self):
        with pytest.raises(ZeroDivisionError):
            self.of(ZeroDivisionError())


class _LoadFn(beam.DoFn):
    """A step that begins a load and polls it, as ``WriteToRedshift`` does."""

    def process(self, loads: int) -> Iterator[int]:
        load = BackgroundLoad(TellingLoader(loads))
        load.start()
        yield sum(1 for _ in load.poll(None))


class TellingLoader:
    """Tells figures while it loads, as a loader does, and waits an outage out."""

    def __init__(self, loads: int) -> None:
        self._loads = loads

    def load(self):
        for number in range(self._loads):
            tell(RETRIES, 1, system="redshift")
            result = LoadResult(number, {"raw": TableCounts(loaded=10, rejected=1)}, (0, 5_000))
            tell_load(result)
            yield result


@pytest.mark.usefixtures("strays")
class TestFigures:
    def test_those_of_the_thread_reach_beam(self):
        pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
        _ = pipeline | beam.Create([3]) | "Load" >> beam.ParDo(_LoadFn())
        result = pipeline.run()
        result.wait_until_finish()
        assert counters(result, LOADS) == {"loaded": 3}
        assert counters(result, RETRIES) == {"redshift": 3}
        assert counters(result, LOADED_ROWS) == {"raw": 30}
        assert counters(result, REJECTED_ROWS) == {"raw": 3}
        assert gauges(result, LOADED_TIMESTAMP_SECONDS) == {"": 5}
        assert distributions(result, LOAD_SECONDS) == {"": 3}


class TestPolling:
    def test_a_call_ends_before_the_load_does(self, loader):
        load = begun(loader)
        assert list(load.poll(0.01)) == []
        assert not load.is_done

    def test_a_call_without_a_limit_waits_to_the_end(self, loader):
        load = begun(loader)
        threading.Timer(0.05, loader.may_go_on.set).start()
        assert [each.result.load_id for each in load.poll(None)] == [1, 2]
        assert load.is_done

    def test_a_load_that_ends_ends_the_call_at_once(self, loader):
        load = begun(loader)
        loader.may_go_on.set()
        before = time.monotonic()
        assert len(list(load.poll(LONG_S))) == 2
        assert time.monotonic() - before < LONG_S / 3

    def test_each_outcome_is_given_out_once(self, loader):
        load = begun(loader)
        loader.may_go_on.set()
        load.join(LONG_S)
        assert len(list(load.poll(0))) == 2
        assert list(load.poll(0)) == []

    def test_a_bug_is_raised_where_it_is_polled(self):
        loader = FakeLoader(error=ZeroDivisionError())
        loader.may_go_on.set()
        with pytest.raises(ZeroDivisionError):
            list(begun(loader).poll(None))

    def test_one_that_is_stopped_ends(self, loader):
        load = begun(loader)
        load.stop()
        assert [each.failure for each in load.poll(None)] == ["failed"]
        load.join(LONG_S)
        assert not load.is_alive()

    def test_the_end_of_the_process_waits_for_no_load(self, loader):
        assert begun(loader).daemon
