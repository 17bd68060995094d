"""From a lake to the facts of its report. Reads commits and run reports, each once."""

from dataclasses import dataclass
from typing import Final

from beam_pipelines.report.facts import (
    DatasetFacts,
    LakeFacts,
    PartitionFacts,
    Reason,
    TopicFacts,
    Tripped,
)
from beam_pipelines.report.reading import StoredCommit, read_commits
from transforms.lake import ObjectStore, SegmentCommit, read_runs, require_lake
from transforms.lake.names import SIDECAR
from transforms.segment import ACCEPTED

#: More would be a wall of rows; the older ones are in the lake.
NEWEST_RUNS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Period:
    """The broker times that the report tells of; half-open, milliseconds since 1970 UTC.

    A commit is told of whole, if one of its messages may lie in the period.
    """

    since: int | None = None
    until: int | None = None

    def holds(self, commit: SegmentCommit) -> bool:
        """Whether a commit is told of; one without messages only where no bound is set."""
        if commit.broker_time is None:
            return self.since is None and self.until is None
        first, last = commit.broker_time
        return (self.since is None or last >= self.since) and (
            self.until is None or first < self.until
        )


EVER: Final = Period()


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
    facts = LakeFacts(root=store.root, lake=lake)
    for each in read_commits(store, lake):
        _add(facts, each, period)
    facts.runs = read_runs(store, newest=NEWEST_RUNS)
    return facts


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
    for rule, sources in getattr(commit, "rules", {}).items():
        for source, count in sources.items():
            facts.rules[Tripped(commit.topic, rule, source)] += count
