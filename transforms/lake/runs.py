"""The report of a run: what became of each partition, for the launcher and for operators.

On no runner but the direct one does the launcher share a process with the workers, and metrics are
not to be had on all of them. One small object per run is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from transforms.lake.client import ObjectStore
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.names import RUNS

#: How the launcher names a run: the time (UTC) at which it started, then a random part.
_NAMED_BY_TIME: Final = re.compile(r"(\d{8}T\d{6})-")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is known of a run that committed something, or that failed.

    Attributes:
        run_id: Its name.
        started: When the launcher began it; None if neither report nor name tell.
        finished: When its report was written, the last thing that a run does.
        partitions: What became of each partition that it touched.
    """

    run_id: str
    started: datetime | None
    finished: datetime
    partitions: tuple[PartitionOutcome, ...]

    @property
    def messages(self) -> int:
        """Messages that the run committed."""
        return sum(each.messages for each in self.partitions)

    @property
    def seconds(self) -> float | None:
        """Seconds from start to report, on two machines' clocks; None where they can't be told."""
        if self.started is None or self.finished < self.started:
            return None
        return (self.finished - self.started).total_seconds()


def merge_outcomes(outcomes: Iterable[PartitionOutcome]) -> list[PartitionOutcome]:
    """Returns one outcome per partition: a partition may be reported by several bundles."""
    merged: dict[tuple[str, str, int], PartitionOutcome] = {}
    for outcome in outcomes:
        key = (outcome.topic, outcome.topic_id, outcome.partition)
        merged[key] = _added(merged[key], outcome) if key in merged else outcome
    return [merged[key] for key in sorted(merged)]


def _added(one: PartitionOutcome, other: PartitionOutcome) -> PartitionOutcome:
    names = {**one.dispositions, **other.dispositions}
    return replace(
        one,
        wanted=max(one.wanted, other.wanted),
        fence=max(one.fence, other.fence),
        messages=one.messages + other.messages,
        dispositions={
            name: one.dispositions.get(name, 0) + other.dispositions.get(name, 0) for name in names
        },
        gaps=tuple(sorted({*one.gaps, *other.gaps})),
        failure=one.failure or other.failure,
        reason=one.reason or other.reason,
    )


def write_run(
    store: ObjectStore,
    run_id: str,
    outcomes: Iterable[PartitionOutcome],
    *,
    started: datetime | None = None,
    finished: datetime | None = None,
) -> None:
    """Stores a run's report under ``_runs/``.

    Args:
        store: The lake's objects.
        run_id: The run's name; it becomes a key.
        outcomes: One per partition.
        started: When the launcher began the run.
        finished: Now. Without it readers take the time at which S3 stored the report.
    """
    report = {
        "run_id": run_id,
        "started": _text(started),
        "finished": _text(finished),
        "partitions": [each.to_dict() for each in outcomes],
    }
    _put(store, run_id, report)


def add_to_run(store: ObjectStore, run_id: str, part: str, value: Any) -> None:
    """Adds a part to a run's report, or makes a report of it alone.

    For what comes after the lake, one step after the other: two at once would lose a part.

    Args:
        store: The lake's objects.
        run_id: The run's name.
        part: The part's name; one that is there is replaced.
        value: Plain values.
    """
    report = read_report(store, run_id) or {"run_id": run_id, "partitions": []}
    _put(store, run_id, {**report, part: value})


def read_report(store: ObjectStore, run_id: str) -> dict[str, Any] | None:
    """Returns a run's report as it is stored, with all its parts; None if there is none."""
    body = store.find(f"{RUNS}{run_id}.json")
    return None if body is None else orjson.loads(body)


def read_run(store: ObjectStore, run_id: str) -> list[PartitionOutcome]:
    """Returns a run's outcomes; empty if the run had nothing to do, and so wrote no report."""
    report = read_report(store, run_id)
    return [] if report is None else list(_outcomes(report))


def read_runs(store: ObjectStore, *, newest: int) -> list[Run]:
    """Returns the reports of the newest runs, oldest first; by name, which begins with the time.

    Args:
        store: The lake's objects.
        newest: How many at most.
    """
    listed = sorted((key, at) for key, at in store.stored(RUNS) if key.endswith(".json"))
    return [_run(orjson.loads(store.get(key)), at) for key, at in listed[-newest:]]


def _put(store: ObjectStore, run_id: str, report: dict[str, Any]) -> None:
    body = orjson.dumps(report, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    store.put(f"{RUNS}{run_id}.json", body)


def _run(value: dict[str, Any], stored: datetime) -> Run:
    run_id: str = value["run_id"]
    return Run(
        run_id=run_id,
        # Reports of earlier versions tell no times.
        started=_moment(value.get("started")) or _start_in(run_id),
        finished=_moment(value.get("finished")) or stored,
        partitions=_outcomes(value),
    )


def _outcomes(value: dict[str, Any]) -> tuple[PartitionOutcome, ...]:
    return tuple(
        PartitionOutcome(**{**each, "gaps": tuple(tuple(gap) for gap in each["gaps"])})
        for each in value["partitions"]
    )


def _start_in(run_id: str) -> datetime | None:
    match = _NAMED_BY_TIME.match(run_id)
    return datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if match else None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
