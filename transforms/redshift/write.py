"""``WriteToRedshift``: the last step of the chain that reads the commit log."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.utils.timestamp import Duration

from transforms.lake import BatchLimits, CommitBatch, ObjectStore, StoreSettings
from transforms.redshift.background import BackgroundLoad
from transforms.redshift.loader import Loader, loader_of
from transforms.redshift.outcome import FAILED, LoadOutcome, write_loads
from transforms.redshift.plan import LoadPlan
from transforms.redshift.settings import RedshiftSettings
from transforms.short_calls import OneClaim, check_call_s

#: Runners count delays in whole seconds.
_NEXT_CALL_S: Final = 1
#: An outage that outlasted the patience isn't over a second later.
_NEXT_TRY_S: Final = 30
#: For how long the end of a worker waits for its load to notice that it was stopped.
_STOP_S: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class WriteToRedshiftConfig:
    """What to load, from where, and into what.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        plan: Which dataset goes to which table.
        redshift: The warehouse; its password is a reference, resolved on the worker.
        store: How to reach the lake.
        limits: Of one transaction.
        call_s: For how long one call waits for a load, in seconds: about 1 in a stream, whose
            checkpoints wait for the call. None: until the load has ended, as in a drain; the only
            way on Spark, which can't defer a call.
        run_id: Adds the outcomes to the report of this run, at its end; empty for none, as in a
            stream, which has no end.
    """

    lake_root: str
    plan: LoadPlan
    redshift: RedshiftSettings
    store: StoreSettings | None = None
    limits: BatchLimits = field(default_factory=BatchLimits)
    call_s: float | None = None
    run_id: str = ""

    def __post_init__(self) -> None:
        check_call_s(self.call_s, 1)


class WriteToRedshift(beam.PTransform[PCollection[CommitBatch], PCollection[LoadOutcome]]):
    """Loads the warehouse whenever there are new commits, and says how it went.

    A batch of commits is no more than the sign that there are some: what is loaded is chosen under
    the warehouse's lock, after its fences were read. An outage is an outcome, never an exception:
    the lake must go on. In a stream the sign of a load that failed is kept and tried again; in a
    drain the next run catches up.

    Guarantees: each row once, however often, late or on how many workers the batches come.
    Bounded or not. One load at a time gets on, so there is no parallelism; a load runs in a thread
    of its own, and what isn't committed when it is stopped is rolled back.

    Args:
        config: What to load, and where.
    """

    def __init__(self, config: WriteToRedshiftConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, batches: PCollection[CommitBatch]) -> PCollection[LoadOutcome]:
        """Yields one outcome a load."""
        loaded: PCollection[LoadOutcome] = (
            batches
            # Small, and the same bytes whenever it is deferred: runners take it for a key.
            | "NameBatches" >> beam.Map(_sign)
            | "Load" >> beam.ParDo(_LoadFn(self._config))
        )
        if self._config.run_id:
            report = beam.ParDo(_ReportFn(self._config))
            _ = loaded | "CollectLoads" >> ToList() | "ReportLoads" >> report
        return loaded

    def display_data(self) -> dict[str, Any]:
        """Shows the warehouse's address and schema; secrets are references or stay out."""
        redshift = self._config.redshift
        return {"host": redshift.host, "schema": redshift.schema}


def make_loader(config: WriteToRedshiftConfig) -> Loader:
    """Returns a loader for this process."""
    store = ObjectStore(config.lake_root, config.store)
    return loader_of(store, config.plan, config.redshift, config.limits)


def _sign(batch: CommitBatch, moment: Any = beam.DoFn.TimestampParam) -> str:
    # No two signs are alike; one without commits says no more than what time it is.
    return batch.tails[-1].sha256 if batch.tails else f"at {moment.micros}"


class _LoadFn(beam.DoFn):
    """Begins a load at a sign, and asks for its outcomes, in one call or in many short ones."""

    def __init__(self, config: WriteToRedshiftConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._loader = make_loader(self._config)
        self._load: BackgroundLoad | None = None
        self._begun_by, self._begun = "", 0.0
        self._came: dict[str, float] = {}
        self._failure = ""

    def process(
        self,
        sign: str,
        tracker: Any = beam.DoFn.RestrictionParam(OneClaim()),  # noqa: B008
    ) -> Iterator[LoadOutcome]:
        try:
            yield from self._loaded(sign, tracker)
        except BaseException:
            # Whoever ends the call, a user at the terminal too, ends the load.
            self.teardown()
            raise

    def teardown(self) -> None:
        if self._load is not None:
            self._load.stop()
            self._load.join(_STOP_S)

    def _loaded(self, sign: str, tracker: Any) -> Iterator[LoadOutcome]:
        drains = self._config.call_s is None
        if drains and self._failure:
            # Each further sign of the backlog would wait out the same outage.
            tracker.try_claim(0)
            return
        came = self._came.setdefault(sign, time.monotonic())
        load = self._running(sign)
        is_own = self._begun_by == sign
        # Signs that pile up behind a slow load must cost nothing: a checkpoint waits for all calls.
        for outcome in load.poll(self._config.call_s if is_own else 0.0):
            self._failure = outcome.failure
            yield outcome
        if not is_own and self._begun >= came:
            # That load sees this sign's commits, and its own sign sees to it that it succeeds.
            self._take(sign, tracker)
        elif not load.is_done or not is_own:
            # A load that began earlier may have looked before this sign's commits were there.
            tracker.defer_remainder(Duration(_NEXT_CALL_S))
        elif self._failure == FAILED and not drains:
            tracker.defer_remainder(Duration(_NEXT_TRY_S))
        else:
            self._take(sign, tracker)

    def _take(self, sign: str, tracker: Any) -> None:
        tracker.try_claim(0)
        del self._came[sign]

    def _running(self, sign: str) -> BackgroundLoad:
        if self._load is None or self._load.is_done:
            self._load = BackgroundLoad(self._loader)
            self._begun_by, self._begun = sign, time.monotonic()
            self._failure = ""
            self._load.start()
        return self._load


class _ReportFn(beam.DoFn):
    """Adds what was loaded to the run's report."""

    def __init__(self, config: WriteToRedshiftConfig) -> None:
        self._config = config

    def process(self, loads: list[LoadOutcome]) -> None:
        store = ObjectStore(self._config.lake_root, self._config.store)
        write_loads(store, self._config.run_id, loads)
