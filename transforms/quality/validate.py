"""Rows -> verdicts by rules: the plain function behind ``Validate``.

Screens find the rows on which not every rule holds; for these one query gives the verdict of each
rule. A rule that fails on a row (an overflow, say) neither holds nor trips there: the row can't be
judged, so its message becomes a dead letter with the rule's id, whatever the rule's severity; its
neighbors are judged as ever.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.quality.offenses import SOURCE, Flags, Offenses, allowed, with_offenses
from transforms.quality.rule_plans import RulePlan, RulePlans
from transforms.quality.rules import Severity
from transforms.quality.screening import doubtful
from transforms.segment import Segment, column_values

#: The column of the ids of the warning rules that a row trips, comma-joined in the ids' order.
WARNINGS: Final = "_warnings"
WARNINGS_FIELD: Final = pa.field(WARNINGS, pa.dictionary(pa.int32(), pa.string()))


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
    done = replace(segment, rows=rows, versions=versions)
    return with_offenses(done, segment.rows, judged)


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
        rules=plan.rules,
        rows=rows,
        offsets=column_values(found, "_offset"),
        sources=allowed(found, plan.source_systems),
        trips=~holds,
        fails=fails,
    )


def _stacked(columns: Sequence[pa.ChunkedArray], shape: tuple[int, int]) -> Flags:
    flags = np.empty(shape, dtype=bool)
    for number, column in enumerate(columns):
        flags[:, number] = column.to_numpy()
    return flags


def _with_warnings(table: pa.Table, offenses: Offenses) -> pa.Table:
    """Returns the rows with the column ``_warnings`` after the lineage."""
    warns = np.array([rule.severity is Severity.WARN for rule in offenses.rules], dtype=bool)
    trips = offenses.trips[:, warns]
    warned = trips.any(axis=1)
    ids = [rule.id for rule in offenses.rules if rule.severity is Severity.WARN]
    sets, places = _distinct(trips[warned])
    texts = [",".join(np.array(ids)[each]) for each in sets]
    indices = np.full(table.num_rows, -1, dtype=np.int32)
    indices[offenses.rows[warned]] = places
    column = pa.DictionaryArray.from_arrays(
        pa.array(indices, pa.int32(), mask=indices < 0), pa.array(texts, pa.string())
    )
    after = max(at for at, name in enumerate(table.column_names) if name.startswith("_")) + 1
    return table.add_column(after, WARNINGS_FIELD, column)


def _distinct(flags: Flags) -> tuple[Flags, Flags]:
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
