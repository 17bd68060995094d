"""What rules would have done to the rows of a lake. Reads only."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.lake import DataFile, ObjectStore, PartitionId, SegmentCommit, commits, require_lake
from transforms.quality import Rule, RuleSet
from transforms.quality.offenses import Offenses
from transforms.quality.rule_checks import RuleChecker
from transforms.quality.rule_plans import RulePlan
from transforms.quality.validate import judge
from transforms.references import References
from transforms.sql import Engine
from transforms.sql.functions import FUNCTIONS

#: Offsets that are named per rule.
NAMED: Final = 5


@dataclass
class Trial:
    """What one rule would have done.

    Attributes:
        rule: The rule.
        rows: Rows that it was tried on.
        trips: Rows that trip it, by source system.
        fails: Rows on which it fails: their messages would be dead letters, too.
        places: The first messages that trip it or that it fails on: topic, partition, offset.
        untried: Why it could not be tried; empty if it was.
    """

    rule: Rule
    rows: int = 0
    trips: Counter[str] = field(default_factory=Counter)
    fails: int = 0
    places: list[tuple[str, int, int]] = field(default_factory=list)
    untried: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return {
            "dataset": self.rule.dataset,
            "id": self.rule.id,
            "severity": self.rule.severity.value,
            "rows": self.rows,
            "trips": dict(self.trips),
            "fails": self.fails,
            "places": [list(place) for place in self.places],
            "untried": self.untried,
        }


@dataclass(frozen=True, kw_only=True)
class TrialRun:
    """How rules are tried.

    Attributes:
        store: The lake's objects.
        rules: The rules to try.
        references: What they may look up, in the same lake.
        kept: Per dataset the columns that the lake's policy leaves as they came.
        sample: Share of the files that are read, from 0 to 1; which ones follows from their
            content.
        source_systems: The source systems by which rows are counted; others count as ``other``.
    """

    store: ObjectStore
    rules: RuleSet
    references: References
    kept: Mapping[str, pa.Schema]
    sample: float = 1.0
    source_systems: Sequence[str] = ()

    def run(self) -> list[Trial]:
        """Tries every rule on the committed rows of its dataset."""
        checker = RuleChecker(self.rules.references, self.kept, self.kept)
        trials: list[Trial] = []
        for dataset in self.rules.datasets:
            mine = [_begun(rule, checker) for rule in self.rules.of(dataset)]
            tried = [trial for trial in mine if not trial.untried]
            if tried:
                self._try(dataset, tried)
            trials += mine
        return trials

    def _try(self, dataset: str, trials: Sequence[Trial]) -> None:
        engine = Engine(FUNCTIONS)
        rules = [trial.rule for trial in trials]
        joins = self.references.view().joins(
            dataset, [engine.parse(rule.expression) for rule in rules]
        )
        plan: RulePlan | None = None
        for commit, file in self._files(dataset):
            parquet = pq.ParquetFile(io.BytesIO(self.store.get(file.key)))
            if plan is None:
                columns = parquet.schema_arrow.remove_metadata()
                plan = RulePlan(rules, engine, joins, columns, self.source_systems)
            table = parquet.read(columns=plan.columns)
            _count(trials, judge(table, plan), commit.owner, table.num_rows)

    def _files(self, dataset: str) -> Iterator[tuple[SegmentCommit, DataFile]]:
        for tail in commits(self.store, require_lake(self.store)):
            for file in tail.commit.files:
                if file.dataset == dataset and int(file.sha256[:8], 16) < self.sample * 2**32:
                    yield tail.commit, file


def _begun(rule: Rule, checker: RuleChecker) -> Trial:
    # A field at fault that is masked does no harm: the trial tells of no field.
    faults = (reason for key, reason in checker.faults(rule) if key != "field")
    return Trial(rule, untried=next(faults, ""))


def _count(trials: Sequence[Trial], offenses: Offenses, owner: PartitionId, rows: int) -> None:
    for number, trial in enumerate(trials):
        trial.rows += rows
        trips = np.flatnonzero(offenses.trips[:, number])
        if not len(trips):
            continue
        fails = int(offenses.fails[:, number].sum())
        trial.fails += fails
        mine = offenses.trips[:, number] & ~offenses.fails[:, number]
        sources = offenses.sources.filter(pa.array(mine)).value_counts().to_pylist()
        trial.trips.update({each["values"]: each["counts"] for each in sources})
        room = NAMED - len(trial.places)
        named = np.unique(offenses.offsets[trips])[:room]
        trial.places += [(owner.topic, owner.partition, int(offset)) for offset in named]
