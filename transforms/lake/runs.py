"""The report of a run: what became of each partition, for the launcher and for operators.

On no runner but the direct one does the launcher share a process with the workers, and metrics are
not to be had on all of them. One small object per run is.
"""

from collections.abc import Iterable
from dataclasses import replace

import orjson

from transforms.lake.client import ObjectStore
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.names import RUNS


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


def write_run(store: ObjectStore, run_id: str, outcomes: Iterable[PartitionOutcome]) -> None:
    """Stores a run's report under ``_runs/``."""
    body = orjson.dumps(
        {"run_id": run_id, "partitions": [each.to_dict() for each in outcomes]},
        option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
    )
    store.put(f"{RUNS}{run_id}.json", body)


def read_run(store: ObjectStore, run_id: str) -> list[PartitionOutcome]:
    """Returns a run's outcomes; empty if the run had nothing to do, and so wrote no report."""
    body = store.find(f"{RUNS}{run_id}.json")
    if body is None:
        return []
    return [
        PartitionOutcome(**{**each, "gaps": tuple(tuple(gap) for gap in each["gaps"])})
        for each in orjson.loads(body)["partitions"]
    ]
