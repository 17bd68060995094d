"""Offenses: which rows break which rules, and what that makes of their messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.quality.rules import Severity
from transforms.segment import DEAD_LETTER, FINDINGS_SCHEMA, Segment, column_values

SOURCE: Final = "source_system"
#: What a finding names instead of a source system that is not on the allow-list: a field that a
#: producer fills may hold anything, and must not make labels at will.
OTHER: Final = "other"

Flags = np.ndarray[Any, Any]


class Breakable(Protocol):
    """What a row can break: a rule of a file, or one that follows from a table's columns."""

    @property
    def id(self) -> str:
        """Names it, for good."""

    @property
    def severity(self) -> Severity:
        """What happens to a message that breaks it."""

    @property
    def field(self) -> str:
        """The field at fault."""


@dataclass(frozen=True)
class Offenses:
    """The rows of a dataset that trip a rule, and the rules that they trip.

    Attributes:
        rules: The rules, by id.
        rows: Numbers of the offending rows, ascending.
        offsets: Their messages.
        sources: Their source systems, as far as those are allowed.
        trips: Per row and rule: it trips, or fails.
        fails: Per row and rule: it fails.
    """

    rules: Sequence[Breakable]
    rows: Flags
    offsets: Flags
    sources: pa.Array
    trips: Flags
    fails: Flags

    @property
    def fatal(self) -> Flags:
        """Per row and rule: it makes the message a dead letter."""
        errs = np.array([rule.severity is Severity.ERROR for rule in self.rules], dtype=bool)
        found: Flags = (self.trips & errs) | self.fails
        return found


def allowed(rows: pa.Table, source_systems: pa.Array) -> pa.Array:
    """Returns each row's source system if it is on the allow-list, else ``OTHER``."""
    if SOURCE not in rows.column_names:
        return pa.array([OTHER] * rows.num_rows, pa.string())
    names = pa.concat_arrays([source_systems, pa.array([OTHER], pa.string())])
    places = pc.index_in(rows.column(SOURCE).cast(pa.string()), value_set=source_systems)
    return names.take(places.fill_null(len(source_systems)).combine_chunks())


def with_offenses(
    segment: Segment, rows: Mapping[str, pa.Table], judged: Mapping[str, Offenses]
) -> Segment:
    """Returns a segment with the findings of offenses, and its dead letters.

    Args:
        segment: The segment.
        rows: Per dataset the rows as they were judged.
        judged: Per dataset what they broke.
    """
    findings = _by_offset([segment.findings, *map(_findings, judged.values())])
    return _disposed(replace(segment, findings=findings), rows, judged)


def _findings(offenses: Offenses) -> pa.Table:
    """Returns one finding per message and rule that it trips; the rows are in offset order."""
    rows, rules = np.nonzero(offenses.trips)
    offsets = offenses.offsets[rows]
    if np.any(np.diff(offenses.offsets) == 0):
        # A message of several rows: a rule counts once, where it trips first.
        _, message = np.unique(offsets, return_inverse=True)
        _, first = np.unique(message * offenses.trips.shape[1] + rules, return_index=True)
        rows, rules, offsets = rows[first], rules[first], offsets[first]
    listed = offenses.rules
    severities = np.array([rule.severity.value for rule in listed], dtype=object)[rules]
    severities[offenses.fails[rows, rules]] = Severity.ERROR.value
    return pa.table(
        [
            pa.array(offsets, pa.int64()),
            pa.array([rule.id for rule in listed], pa.string()).take(pa.array(rules)),
            pa.array(severities, pa.string()),
            offenses.sources.take(pa.array(rows)),
        ],
        schema=FINDINGS_SCHEMA,
    )


def _by_offset(tables: Sequence[pa.Table]) -> pa.Table:
    findings = pa.concat_tables(tables)
    order = np.argsort(column_values(findings, "offset"), kind="stable")
    return findings.take(pa.array(order))


def _disposed(
    segment: Segment, rows: Mapping[str, pa.Table], judged: Mapping[str, Offenses]
) -> Segment:
    """Makes dead letters: each with the first rule, by id, that is fatal to one of its rows."""
    tables = [_fatal(rows[dataset], offenses) for dataset, offenses in judged.items()]
    if not any(table.num_rows for table in tables):
        return segment
    letters = pa.concat_tables(tables).sort_by(
        [("offset", "ascending"), ("rule", "ascending"), ("field", "ascending")]
    )
    offsets, first = np.unique(column_values(letters, "offset"), return_index=True)
    named = letters.take(pa.array(first))
    return segment.dispose(
        DEAD_LETTER,
        offsets,
        named.column("rule").to_pylist(),
        named.column("field").to_pylist(),
        named.column("schema_id").to_pylist(),
    )


def _fatal(table: pa.Table, offenses: Offenses) -> pa.Table:
    """Returns the fatal rows with the first rule, by id, that is fatal to each."""
    fatal = offenses.fatal
    some = np.flatnonzero(fatal.any(axis=1))
    rules = pa.array(fatal[some].argmax(axis=1))
    listed = offenses.rules
    schema_ids = table.column("_schema_id").take(pa.array(offenses.rows[some]))
    return pa.table(
        {
            "offset": pa.array(offenses.offsets[some], pa.int64()),
            "rule": pa.array([rule.id for rule in listed], pa.string()).take(rules),
            "field": pa.array([rule.field for rule in listed], pa.string()).take(rules),
            "schema_id": schema_ids.cast(pa.string()),
        }
    )
