"""Derived columns: one SQL expression each, and what happens to the rows on which one fails."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.segment import DEAD_LETTER, Segment, column_values
from transforms.sql import Engine, EvaluationError, Join
from transforms.sql.pieces import failed
from transforms.tables.mapping import DerivedColumns

#: The reason of a message on whose row an expression fails; its field is the derived column.
FAILED: Final = "derived_column"


def derive(
    segment: Segment, step: DerivedColumns, engine: Engine, joins: Sequence[Join]
) -> Segment:
    """Adds a step's columns to a segment's rows.

    A row on which an expression fails makes its message a dead letter with the column's name; the
    others are untouched, whichever way the segment was cut.
    """
    table = segment.rows[step.dataset]
    try:
        made = engine.select(table, step.expressions, joins)
    except EvaluationError:
        rest = _without_failing(segment, step, engine, joins)
        if rest.disposed.num_rows == segment.disposed.num_rows:
            raise  # Not a row's fault: memory, say.
        return derive(rest, step, engine, joins)
    return _with_columns(segment, step.dataset, made)


def _with_columns(segment: Segment, dataset: str, made: pa.Table) -> Segment:
    table = segment.rows[dataset]
    for name in made.column_names:
        table = table.append_column(made.schema.field(name), made.column(name))
    return segment.with_rows(dataset, table)


def _without_failing(
    segment: Segment, step: DerivedColumns, engine: Engine, joins: Sequence[Join]
) -> Segment:
    table = segment.rows[step.dataset]
    faults: dict[int, str] = {}
    for name, sql in step.expressions.items():
        for row in failing_rows(engine, table, sql, joins):
            faults.setdefault(row, name)
    offsets = column_values(table, "_offset")
    of_message: dict[int, str] = {}
    for row, name in sorted(faults.items()):
        of_message.setdefault(int(offsets[row]), name)
    return segment.dispose(
        DEAD_LETTER,
        np.array(list(of_message), np.int64),
        [FAILED] * len(of_message),
        list(of_message.values()),
    )


def failing_rows(engine: Engine, table: pa.Table, sql: str, joins: Sequence[Join]) -> Iterator[int]:
    """Yields the numbers of the rows on which an expression fails."""
    flags = engine.select(table, {"failed": failed(sql)}, joins)
    yield from np.flatnonzero(column_values(flags, "failed")).tolist()
