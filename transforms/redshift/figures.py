"""What metrics tell of loads."""

from transforms.errors import PipelineError
from transforms.metrics import (
    LOAD_SECONDS,
    LOADED_ROWS,
    LOADED_TIMESTAMP_SECONDS,
    LOADS,
    REJECTED_ROWS,
    tell,
)
from transforms.redshift.batch import LoadResult
from transforms.redshift.outcome import failed_load


def tell_load(result: LoadResult) -> None:
    """Tells the figures of a load that is committed."""
    tell(LOADS, 1, outcome="loaded")
    tell(LOAD_SECONDS, result.seconds)
    for table, counts in result.tables.items():
        tell(LOADED_ROWS, counts.loaded, table=table)
        tell(REJECTED_ROWS, counts.rejected, table=table)
    if result.broker_time is not None:
        tell(LOADED_TIMESTAMP_SECONDS, result.broker_time[1] / 1000)


def tell_failure(error: PipelineError) -> None:
    """Tells that a load was refused, or failed."""
    tell(LOADS, 1, outcome=failed_load(error).failure)
