"""``MapTables``: one's own business logic between validation and masking."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import PCollection

from transforms.guard import guarded
from transforms.references import References
from transforms.segment import FILTERED, Segment
from transforms.sql import Join
from transforms.tables.derivation import derive
from transforms.tables.mapping import DerivedColumns, TableFunction, apply_function

Step = TableFunction | DerivedColumns


@dataclass(frozen=True, kw_only=True)
class MapTablesConfig:
    """What is done to which dataset's rows.

    Attributes:
        steps: In their order; each sees what the steps before it made of its dataset.
        references: What derived columns may look up.
    """

    steps: Sequence[Step]
    references: References = field(default_factory=References)


class MapTables(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Applies functions and derived columns to whole tables of rows.

    Guarantees: every message keeps rows, or is listed as filtered with a reason; a function that
    loses one stops the partition before the segment is written. A row on which an expression fails
    makes its message a dead letter. New columns carry a class, so that masking covers them.
    """

    def __init__(self, config: MapTablesConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        mapped: PCollection[Segment] = segments | "MapRows" >> beam.ParDo(_MapFn(self._config))
        return mapped

    def display_data(self) -> dict[str, Any]:
        """Shows the new columns by dataset."""
        return {name: ", ".join(columns) for name, columns in added_columns(self._config).items()}


def added_columns(config: MapTablesConfig) -> dict[str, dict[str, str]]:
    """Returns per dataset the columns that its steps add -> their class of personal data."""
    added: dict[str, dict[str, str]] = {}
    for step in config.steps:
        added.setdefault(step.dataset, {}).update(step.columns)
    return added


def table_versions(steps: Sequence[Step]) -> dict[str, str]:
    """Returns what the rows depend on, by dataset, as a segment commit names it."""
    digests: dict[str, list[str]] = {}
    for step in steps:
        digests.setdefault(step.dataset, []).append(step.digest())
    return {
        f"tables.{dataset}": hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16]
        for dataset, listed in digests.items()
    }


class _MapFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: MapTablesConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._engine = self._config.references.engine()
        self._versions = table_versions(self._config.steps)

    def process(self, segment: Segment) -> Iterator[Segment]:
        # What rules have seen of the references, derived columns see, too.
        self._view = self._config.references.view(segment.versions.get("references", ""))
        yield guarded(self._mapped, segment)

    def _mapped(self, segment: Segment) -> Segment:
        for step in self._config.steps:
            if step.dataset in segment.rows:
                segment = self._applied(segment, step)
        return segment

    def _applied(self, segment: Segment, step: Step) -> Segment:
        versions = {f"tables.{step.dataset}": self._versions[f"tables.{step.dataset}"]}
        if isinstance(step, TableFunction):
            segment = _called(segment, step)
        else:
            joins = self._looked_up(step)
            if joins:
                versions |= self._seen(segment)
            segment = derive(segment, step, self._engine, joins)
        return replace(segment, versions={**segment.versions, **versions})

    def _looked_up(self, step: DerivedColumns) -> list[Join]:
        parsed = [self._engine.parse(sql) for sql in step.expressions.values()]
        # At a segment, not at the worker's start: by then the references are committed.
        return self._view.joins(step.dataset, parsed)

    def _seen(self, segment: Segment) -> dict[str, str]:
        seen = self._view.version()
        judged = segment.versions.get("references", seen)
        # Rules may have seen others: where their references were made apart, or this process stood
        # still for long in between. The commit names both then.
        return {"references" if seen == judged else "references.tables": seen}


def _called(segment: Segment, step: TableFunction) -> Segment:
    mapped = apply_function(step, segment.rows[step.dataset])
    segment = segment.with_rows(step.dataset, mapped.rows)
    for reason, offsets in mapped.filtered.items():
        listed = np.sort(np.asarray(offsets, dtype=np.int64))
        segment = segment.dispose(FILTERED, listed, [reason] * len(listed))
    return segment
