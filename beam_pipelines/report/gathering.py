"""From a lake to the facts of its report. Reads commits, sidecar files and run reports once."""

from dataclasses import replace
from typing import Final

from beam_pipelines.report.facts import (
    DatasetFacts,
    LakeFacts,
    PartitionFacts,
    Reason,
    TopicFacts,
    Tripped,
)
from beam_pipelines.report.period import EVER, Period
from beam_pipelines.report.reading import StoredCommit, read_commits
from beam_pipelines.report.rollup import width_for
from beam_pipelines.report.windows import Bounds, aggregates_in, gather_windows
from transforms.lake import ObjectStore, SegmentCommit, read_runs, require_lake
from transforms.lake.names import SIDECAR
from transforms.segment import ACCEPTED

#: More would be a wall of rows; the older ones are in the lake.
NEWEST_RUNS: Final = 20


def gather(store: ObjectStore, period: Period = EVER) -> LakeFacts:
    """Returns what there is to tell of a lake.

    Args:
        store: The lake's objects.
        period: Which commits to tell of. Where partitions stand is told in any case.

    Raises:
        LakeMismatchError: There is no lake.
        ChainError: A chain doesn't hold together.
    """
    lake = require_lake(store)
    facts = LakeFacts(root=store.root, lake=lake, period=period)
    with_windows: list[SegmentCommit] = []
    for each in read_commits(store, lake):
        _add(facts, each, period)
        if period.holds(each.commit) and aggregates_in(each.commit):
            with_windows.append(_sidecar_of(each.commit))
    bounds = Bounds(width_for(facts.span_ms * 1000), period.since, period.until)
    facts.windows = gather_windows(store, with_windows, bounds)
    facts.runs = read_runs(store, newest=NEWEST_RUNS)
    return facts


def _sidecar_of(commit: SegmentCommit) -> SegmentCommit:
    """Returns what of a commit is needed to read its small tables: there may be 10,000."""
    return replace(
        commit,
        files=tuple(file for file in commit.files if file.dataset == SIDECAR),
        dispositions={},
        filtered={},
        versions={},
        rules={},
    )


def _add(facts: LakeFacts, each: StoredCommit, period: Period) -> None:
    commit = each.commit
    facts.partitions.setdefault(commit.owner, PartitionFacts()).add(commit, each.stored)
    facts.as_of = max(facts.as_of or each.stored, each.stored)
    topic = facts.topics.setdefault(commit.topic, TopicFacts())
    if not period.holds(commit):
        return
    topic.add(commit)
    for file in commit.files:
        if file.dataset != SIDECAR:
            facts.datasets.setdefault(file.dataset, DatasetFacts()).add(file)
    _add_reasons(facts, commit)
    for name, version in commit.versions.items():
        met = facts.versions.setdefault(name, {})
        met[version] = max(met.get(version, each.stored), each.stored)


def _add_reasons(facts: LakeFacts, commit: SegmentCommit) -> None:
    for disposition, counts in commit.dispositions.items():
        if disposition != ACCEPTED:
            for reason, count in counts.items():
                facts.reasons[Reason(commit.topic, disposition, reason)] += count
    for rule, sources in commit.rules.items():
        for source, count in sources.items():
            facts.rules[Tripped(commit.topic, rule, source)] += count
