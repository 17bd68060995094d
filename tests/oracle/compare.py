"""Compares the lake with what is expected, row for row and value for value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tests.oracle.expected import Expected, Verdict
from tests.oracle.moments import plain


@dataclass(frozen=True)
class Difference:
    """One thing that isn't as expected, and its place; it holds no value of a message."""

    topic: str
    partition: int
    offset: int
    problem: str


def compare(lake_rows: pa.Table | Iterable[dict[str, Any]], expected: Expected) -> list[Difference]:
    """Compares rows of one dataset with those expected of one topic.

    Dates and times are compared as days and microseconds since 1970, `_timestamp` as
    milliseconds. Columns of the lake that begin with an underscore and aren't expected are left
    out (`_topic_id`, say); any other column too many or too few is a difference.

    Args:
        lake_rows: All rows that the lake has of the topic, in any order. A table may have the
            types of the lake; rows hold Python values.
        expected: What it must have.

    Returns:
        The differences, ordered by place; empty if there is none.
    """
    columns = _columns(lake_rows)
    places = list(zip(columns.get("_partition", ()), columns.get("_offset", ()), strict=True))
    found = [*_places_that_differ(expected, places)]
    common = {place: row for row, place in enumerate(places) if place in expected.rows}
    found += _values_that_differ(expected, columns, common)
    return sorted(found, key=lambda d: (d.partition, d.offset, d.problem))


def compare_dispositions(
    actual: Mapping[tuple[int, int], Verdict | tuple[str, str]], expected: Expected
) -> list[Difference]:
    """Compares verdicts by (partition, offset) with those expected."""
    found = []
    for place in sorted(actual.keys() | expected.verdicts.keys()):
        wanted = expected.verdicts.get(place)
        got = actual.get(place)
        if isinstance(got, tuple):
            got = Verdict(*got)
        if got != wanted:
            found.append(Difference(expected.topic, *place, f"is {got}, expected {wanted}"))
    return found


def _places_that_differ(expected: Expected, places: list[tuple[int, int]]) -> Iterable[Difference]:
    seen: set[tuple[int, int]] = set()
    for place in places:
        if place in seen:
            yield Difference(expected.topic, *place, "is there twice")
        elif place not in expected.rows:
            verdict = expected.verdicts.get(place)
            why = verdict.disposition if verdict else "no committed message"
            yield Difference(expected.topic, *place, f"must not be there: {why}")
        seen.add(place)
    for place in expected.rows.keys() - seen:
        yield Difference(expected.topic, *place, "is missing")


def _values_that_differ(
    expected: Expected, columns: dict[str, list[Any]], common: dict[tuple[int, int], int]
) -> Iterable[Difference]:
    if not common:
        return
    rows = [expected.rows[place] for place in common]
    wanted = list(rows[0])
    for name in sorted(name for name in columns if name not in rows[0] and name[0] != "_"):
        yield Difference(expected.topic, -1, -1, f"column {name} is not expected")
    for name in wanted:
        if name not in columns:
            yield Difference(expected.topic, -1, -1, f"column {name} is missing")
            continue
        column = columns[name]
        for place, row, lake_row in zip(common, rows, common.values(), strict=True):
            if not _same(column[lake_row], plain(row[name])):
                yield Difference(expected.topic, *place, f"column {name} differs")


def _same(one: Any, other: Any) -> bool:
    # 1, 1.0 and True are equal to Python, and different in the lake.
    return type(one) is type(other) and one == other


def _columns(rows: pa.Table | Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    if isinstance(rows, pa.Table):
        return {name: _listed(rows.column(name)) for name in rows.column_names}
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(rows):
        for name, value in row.items():
            columns.setdefault(name, [None] * number).append(plain(value))
    return columns


def _listed(column: pa.ChunkedArray) -> list[Any]:
    """Values as Python has them; dates and times as numbers, since Python's years end at 9999."""
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()).to_pylist()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()
    return column.to_pylist()
