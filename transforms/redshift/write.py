"""``WriteToRedshift``: the last step of the chain that reads the commit log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.errors import PipelineError, RefusedError
from transforms.lake import BatchLimits, CommitBatch, ObjectStore, StoreSettings
from transforms.redshift.batch import LoadResult
from transforms.redshift.client import connect
from transforms.redshift.loader import Loader
from transforms.redshift.plan import LoadPlan
from transforms.redshift.settings import RedshiftSettings
from transforms.redshift.sql import Statements


@dataclass(frozen=True, kw_only=True)
class WriteToRedshiftConfig:
    """What to load, from where, and into what.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        plan: Which dataset goes to which table.
        redshift: The warehouse; its password is a reference, resolved on the worker.
        store: How to reach the lake.
        limits: Of one transaction.
    """

    lake_root: str
    plan: LoadPlan
    redshift: RedshiftSettings
    store: StoreSettings | None = None
    limits: BatchLimits = field(default_factory=BatchLimits)


@dataclass(frozen=True, kw_only=True)
class LoadOutcome:
    """One load, or why there was none.

    Attributes:
        result: What was loaded; None after a failure.
        failure: ``refused`` or ``failed``; empty if all went well.
        reason: What went wrong, in one sentence without values of the data.
    """

    result: LoadResult | None = None
    failure: str = ""
    reason: str = ""


class WriteToRedshift(beam.PTransform[PCollection[CommitBatch], PCollection[LoadOutcome]]):
    """Loads the warehouse whenever there are new commits, and says how it went.

    A batch of commits is no more than the sign that there are some: what is loaded is chosen under
    the warehouse's lock, after its fences were read. So batches may come twice, late, or from many
    workers, and each row is loaded once. An outage is an outcome, never an exception: the lake must
    go on, and the next load catches up.

    Args:
        config: What to load, and where.
    """

    def __init__(self, config: WriteToRedshiftConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, pcoll: PCollection[CommitBatch]) -> PCollection[LoadOutcome]:
        """Yields one outcome a load."""
        loaded: PCollection[LoadOutcome] = pcoll | "Load" >> beam.ParDo(_LoadFn(self._config))
        return loaded


class _LoadFn(beam.DoFn):
    def __init__(self, config: WriteToRedshiftConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._loader = make_loader(self._config)

    def process(self, element: CommitBatch) -> Iterator[LoadOutcome]:
        yield from outcomes(self._loader)


def make_loader(config: WriteToRedshiftConfig) -> Loader:
    """Returns a loader for this process."""
    return Loader(
        ObjectStore(config.lake_root, config.store),
        config.plan,
        partial(connect, config.redshift),
        Statements(config.redshift.schema),
        role=config.redshift.copy_role,
        limits=config.limits,
        patience_s=config.redshift.patience_s,
    )


def outcomes(loader: Loader) -> Iterator[LoadOutcome]:
    """Loads what is new; a failure is the last outcome."""
    try:
        for result in loader.load():
            yield LoadOutcome(result=result)
    except PipelineError as error:
        kind = "refused" if isinstance(error, RefusedError) else "failed"
        yield LoadOutcome(failure=kind, reason=str(error))
