"""What became of loads; small, it travels to the run's report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from transforms.errors import PipelineError, RefusedError
from transforms.lake import ObjectStore
from transforms.lake.runs import add_to_run, read_report
from transforms.redshift.batch import LoadResult, TableCounts

REFUSED: Final = "refused"
FAILED: Final = "failed"
#: What the report of a run calls them.
_LOADS: Final = "loads"


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


def failed_load(error: PipelineError) -> LoadOutcome:
    """Returns an error as an outcome."""
    kind = REFUSED if isinstance(error, RefusedError) else FAILED
    return LoadOutcome(failure=kind, reason=str(error))


def write_loads(store: ObjectStore, run_id: str, loads: Sequence[LoadOutcome]) -> None:
    """Adds what became of a run's loads to its report.

    Args:
        store: The lake's objects.
        run_id: The run's name.
        loads: In any order.
    """
    ordered = sorted(loads, key=lambda each: each.result.load_id if each.result else 0)
    add_to_run(store, run_id, _LOADS, [asdict(each) for each in ordered])


def read_loads(store: ObjectStore, run_id: str) -> list[LoadOutcome]:
    """Returns what became of a run's loads; empty if it had nothing to load."""
    report = read_report(store, run_id) or {}
    return [_outcome(value) for value in report.get(_LOADS, ())]


def _outcome(value: dict[str, Any]) -> LoadOutcome:
    result = value.pop("result")
    return LoadOutcome(result=None if result is None else _result(result), **value)


def _result(value: dict[str, Any]) -> LoadResult:
    times = value.pop("broker_time")
    for kind in ("tables", "partials"):
        value[kind] = {name: TableCounts(**counts) for name, counts in value[kind].items()}
    return LoadResult(broker_time=tuple(times) if times else None, **value)
