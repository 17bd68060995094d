"""Which window a row falls in.

Windows are half-open. Fixed ones are aligned to midnight UTC. A local day runs from the first
instant of its date in its zone to the first instant of the next date: 23 to 25 hours where clocks
change, and from one o'clock where the change leaves no midnight. Zone rules are those of the IANA
time zone database that Python finds.
"""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from transforms.windows import spec
from transforms.windows.spec import Aggregate, known_zones

_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_EPOCH: Final = date(1970, 1, 1)
#: Python's dates end with the years 1 and 9999, and a zone may need the day before or after.
_FIRST_DAY: Final = (date(2, 1, 1) - _EPOCH).days
_END_DAY: Final = (date(9999, 1, 1) - _EPOCH).days
_TICKS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_TIMESTAMP: Final = pa.timestamp("us", "UTC")

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Placement:
    """Rows and their windows.

    Attributes:
        numbers: Per row the window's number, which ascends with its start; null for a row without
            a time, or with one outside the years 2 to 9998.
        faults: Per row whether its zone is missing or unknown; such a row counts in the day of UTC.
        starts: Per window, in microseconds. None: a window's number times ``width`` is its start.
        ends: Per window, likewise.
        width: Of fixed windows, in microseconds.
    """

    numbers: pa.Array
    faults: pa.Array | None = None
    starts: Ints | None = None
    ends: Ints | None = None
    width: int = 0

    def bounds(self, numbers: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Returns the start and the end of windows, timestamps in microseconds; null for null."""
        missing = np.asarray(numbers.is_null())
        plain = np.asarray(numbers.fill_null(0)).astype(np.int64)
        if self.starts is None or self.ends is None:
            first, last = plain * self.width, (plain + 1) * self.width
        elif len(self.starts):
            first, last = self.starts[plain], self.ends[plain]
        else:
            first = last = plain
        return _stamps(first, missing), _stamps(last, missing)


def place(aggregate: Aggregate, rows: pa.Table) -> Placement:
    """Finds the window of each row of a table."""
    micros, valid = _micros(rows.column(aggregate.time))
    width = aggregate.width_us
    if width is not None:
        return Placement(pa.array(micros // width, mask=~valid), width=width)
    column = aggregate.zone_column
    if column is None:
        zones, names = np.zeros(len(micros), np.int64), [aggregate.zone]
    else:
        zones, names = _zones(rows.column(column))
    placed = _days(micros, valid, zones, names)
    faults = None if column is None else pa.array(zones == 0)
    return Placement(placed.numbers, faults, placed.starts, placed.ends)


def _stamps(micros: Ints, missing: Bools) -> pa.Array:
    return pa.array(micros, mask=missing).cast(_TIMESTAMP)


def _micros(column: pa.ChunkedArray) -> tuple[Ints, Bools]:
    """Returns times in microseconds, zero where there is none that can be placed, and which."""
    unit = _TICKS[column.type.unit]
    ticks = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy())
    valid = (ticks >= _FIRST_DAY * 86_400 * unit) & (ticks < _END_DAY * 86_400 * unit)
    if column.null_count:
        valid &= ~np.asarray(column.is_null().to_numpy())
    if not valid.all():
        ticks = np.where(valid, ticks, 0)
    if unit > _SECOND_US:
        return ticks // (unit // _SECOND_US), valid
    return ticks * (_SECOND_US // unit), valid


def _zones(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Returns per row the number of its zone; number 0 is UTC for rows that name none."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.combine_chunks()
    listed = whole.dictionary.to_pylist()
    known = known_zones()
    names = [spec.UTC, *sorted({name for name in listed if name in known})]
    numbers = {name: number for number, name in enumerate(names) if number}
    # The last one is for null, whose code is made -1.
    table = np.array([*(numbers.get(name, 0) for name in listed), 0], np.int64)
    return table[np.asarray(whole.indices.fill_null(-1))], names


def _days(micros: Ints, valid: Bools, zones: Ints, names: list[str]) -> Placement:
    numbers = np.zeros(len(micros), np.int64)
    pairs: list[tuple[int, int]] = []
    for zone, name in enumerate(names):
        mine = np.flatnonzero(valid & (zones == zone))
        if len(mine):
            bounds = _midnights(name, np.unique(micros[mine] // _DAY_US))
            numbers[mine] = np.searchsorted(bounds, micros[mine], "right") - 1 + len(pairs)
            pairs.extend(itertools.pairwise(bounds.tolist()))
    ordered = sorted(set(pairs))
    ranks = {pair: rank for rank, pair in enumerate(ordered)}
    if pairs:
        numbers = np.array([ranks[pair] for pair in pairs], np.int64)[numbers]
    both = np.array(ordered, np.int64).reshape(-1, 2)
    return Placement(pa.array(numbers, mask=~valid), starts=both[:, 0], ends=both[:, 1])


def _midnights(zone: str, days: Ints) -> Ints:
    """Returns the starts of all local days that touch the given days of UTC, and of the next."""
    # No zone is a whole day off UTC: an instant's local date is at most one day off its UTC date.
    near = np.unique(days[:, None] + np.arange(-1, 3))
    starts = [day_start(zone, _EPOCH + timedelta(days=int(day))) for day in near]
    return np.unique(np.array(starts, np.int64))


@lru_cache(65_536)
def day_start(zone: str, day: date) -> int:
    """Returns the first instant of a date in a zone, in microseconds since 1970 UTC.

    Where clocks are put back over midnight, it is the first of the two. A date that a zone skipped
    begins with the next one.
    """
    there = ZoneInfo(zone)
    start = datetime.combine(day, time(), there).astimezone(UTC)
    if start.astimezone(there).replace(tzinfo=None) != datetime.combine(day, time()):
        start = _after_gap(there, day, start)
    return (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _after_gap(zone: ZoneInfo, day: date, late: datetime) -> datetime:
    """Finds the change of clocks that swallowed a midnight, to the second, by bisection."""
    low, high = -86_400, 0
    while high - low > 1:
        middle = (low + high) // 2
        reached = (late + timedelta(seconds=middle)).astimezone(zone).date() >= day
        low, high = (low, middle) if reached else (middle, high)
    return late + timedelta(seconds=high)
