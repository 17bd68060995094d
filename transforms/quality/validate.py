"""Rows -> verdicts by rules: the plain function behind ``Validate``.

Screens find the rows on which not every rule holds; for these one query gives the verdict of each
rule. A rule that fails on a row (an overflow, say) neither holds nor trips there: the row can't be
judged, so its message becomes a dead letter with the rule's id, whatever the rule's severity; its
neighbors are judged as ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.quality.rule_plans import SOURCE, RulePlan, RulePlans
from transforms.quality.rules import Severity
from transforms.quality.screening import doubtful
from transforms.segment import DEAD_LETTER, FINDINGS_SCHEMA, Segment, column_values

#: The column of the ids of the warning rules that a row trips, comma-joined in the ids' order.
WARNINGS: Final = "_warnings"
WARNINGS_FIELD: Final = pa.field(WARNINGS, pa.dictionary(pa.int32(), pa.string()))
#: What a finding names instead of a source system that is not on the allow-list: a field that a
#: producer fills may hold anything, and must not make labels at will.
OTHER: Final = "other"

_Flags = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Offenses:
    """The rows of a dataset that trip a rule, and the rules that they trip.

    Attributes:
        plan: The rules.
        rows: Numbers of the offending rows, ascending.
        offsets: Their messages.
        sources: Their source systems, as far as those are allowed.
        trips: Per row and rule: it trips, or fails.
        fails: Per row and rule: it fails.
    """

    plan: RulePlan
    rows: _Flags
    offsets: _Flags
    sources: pa.Array
    trips: _Flags
    fails: _Flags

    @property
    def fatal(self) -> _Flags:
        """Per row and rule: it makes the message a dead letter."""
        found: _Flags = (self.trips & self.plan.errs) | self.fails
        return found


def validate(segment: Segment, plans: RulePlans) -> Segment:
    """Judges the rows of a segment by rules.

    Args:
        segment: With rows.
        plans: The rules.

    Returns:
        The segment with findings, dead letters and the column ``_warnings``. The verdict on a
        message depends on it alone and on the versions of rules and references.

    Raises:
        ConfigurationError: A rule doesn't fit the rows, or the references as they are committed.
        StoreUnavailableError: References could not be loaded.
    """
    judged: dict[str, Offenses] = {}
    versions = dict(segment.versions)
    for dataset, table in segment.rows.items():
        plan = plans.of(dataset, table.schema)
        if plan is not None:
            judged[dataset] = judge(table, plan)
            versions |= plans.versions(dataset)
    rows = {
        name: _with_warnings(table, judged[name]) if name in judged else table
        for name, table in segment.rows.items()
    }
    findings = _by_offset([segment.findings, *map(_findings, judged.values())])
    done = replace(segment, rows=rows, findings=findings, versions=versions)
    return _disposed(done, segment.rows, judged)


def judge(table: pa.Table, plan: RulePlan) -> Offenses:
    """Evaluates rules on rows."""
    seen = table.select(plan.columns)
    rows = doubtful(plan.engine, seen, plan.screens)
    columns = {"_offset": "_offset", **plan.verdicts}
    if SOURCE in plan.columns:
        columns[SOURCE] = SOURCE
    found = plan.engine.select(seen.take(pa.array(rows)), columns, plan.joins)
    verdicts = [found.column(name) for name in plan.verdicts]
    shape = (found.num_rows, len(plan.rules))
    fails = _stacked([verdict.is_null() for verdict in verdicts], shape)
    holds = _stacked([verdict.fill_null(False) for verdict in verdicts], shape)
    return Offenses(
        plan=plan,
        rows=rows,
        offsets=column_values(found, "_offset"),
        sources=_allowed(found, plan.source_systems),
        trips=~holds,
        fails=fails,
    )


def _allowed(found: pa.Table, source_systems: pa.Array) -> pa.Array:
    """Returns each row's source system if it is on the allow-list, else ``OTHER``."""
    if SOURCE not in found.column_names:
        return pa.array([OTHER] * found.num_rows, pa.string())
    names = pa.concat_arrays([source_systems, pa.array([OTHER], pa.string())])
    places = pc.index_in(found.column(SOURCE).cast(pa.string()), value_set=source_systems)
    return names.take(places.fill_null(len(source_systems)).combine_chunks())


def _stacked(columns: Sequence[pa.ChunkedArray], shape: tuple[int, int]) -> _Flags:
    flags = np.empty(shape, dtype=bool)
    for number, column in enumerate(columns):
        flags[:, number] = column.to_numpy()
    return flags


def _findings(offenses: Offenses) -> pa.Table:
    """Returns one finding per message and rule that it trips; the rows are in offset order."""
    rows, rules = np.nonzero(offenses.trips)
    offsets = offenses.offsets[rows]
    if np.any(np.diff(offenses.offsets) == 0):
        # A message of several rows: a rule counts once, where it trips first.
        _, message = np.unique(offsets, return_inverse=True)
        _, first = np.unique(message * offenses.trips.shape[1] + rules, return_index=True)
        rows, rules, offsets = rows[first], rules[first], offsets[first]
    listed = offenses.plan.rules
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


def _with_warnings(table: pa.Table, offenses: Offenses) -> pa.Table:
    """Returns the rows with the column ``_warnings`` after the lineage."""
    trips = offenses.trips[:, offenses.plan.warns]
    warned = trips.any(axis=1)
    ids = [rule.id for rule in offenses.plan.rules if rule.severity is Severity.WARN]
    sets, places = _distinct(trips[warned])
    texts = [",".join(np.array(ids)[each]) for each in sets]
    indices = np.full(table.num_rows, -1, dtype=np.int32)
    indices[offenses.rows[warned]] = places
    column = pa.DictionaryArray.from_arrays(
        pa.array(indices, pa.int32(), mask=indices < 0), pa.array(texts, pa.string())
    )
    after = max(at for at, name in enumerate(table.column_names) if name.startswith("_")) + 1
    return table.add_column(after, WARNINGS_FIELD, column)


def _distinct(flags: _Flags) -> tuple[_Flags, _Flags]:
    """Returns the distinct rows of flags, and which of them each row is.

    By hashing packed bits: ``numpy.unique`` sorts, which cost more than judging the rows.
    """
    packed = np.packbits(flags, axis=1)
    kind = pa.binary(max(packed.shape[1], 1))
    rows = pa.FixedSizeBinaryArray.from_buffers(kind, len(packed), [None, pa.py_buffer(packed)])
    encoded = rows.dictionary_encode()
    places = np.asarray(encoded.indices.to_numpy())
    _, first = np.unique(places, return_index=True)
    return flags[first], places


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
    listed = offenses.plan.rules
    schema_ids = table.column("_schema_id").take(pa.array(offenses.rows[some]))
    return pa.table(
        {
            "offset": pa.array(offenses.offsets[some], pa.int64()),
            "rule": pa.array([rule.id for rule in listed], pa.string()).take(rules),
            "field": pa.array([rule.field for rule in listed], pa.string()).take(rules),
            "schema_id": schema_ids.cast(pa.string()),
        }
    )
