"""The totals of the packaged aggregates, from the rows as the lake holds them."""

import datetime
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from tests.oracle.moments import DAY_US, plain

Row = Mapping[str, Any]
#: Start and end of the window, microseconds; None for rows whose time can't be placed.
Key = tuple[Any, ...]

_MINUTE_US: Final = 60_000_000
_FIRST_US = plain(datetime.date(2, 1, 1)) * DAY_US
_END_US = plain(datetime.date(9999, 1, 1)) * DAY_US
#: Of a quantile's value; DDSketch guarantees it.
ACCURACY: Final = 0.01


@dataclass(frozen=True)
class Quantile:
    """Some values of which one is wanted."""

    values: tuple[float, ...]
    at: float

    def agrees(self, told: float | None) -> bool:
        """Whether a sketch's answer is as near as it must be."""
        if told is None or not self.values:
            return told is None and not self.values
        exact = self.values[math.floor(self.at * (len(self.values) - 1))]
        # One part in a million for what doubles round off.
        return abs(told - exact) <= abs(exact) * ACCURACY * (1 + 1e-6)


@dataclass(frozen=True)
class _Aggregate:
    dimensions: tuple[str, ...]
    event_types: tuple[str, ...]
    window: Callable[[Row], tuple[int | None, int | None]]
    measures: Mapping[str, Callable[[list[Row]], Any]]
    zoned: bool = False


def _fixed(width: int) -> Callable[[Row], tuple[int | None, int | None]]:
    def window(row: Row) -> tuple[int | None, int | None]:
        start = row["event_time"] // width * width
        return (start, start + width) if _placeable(row) else (None, None)

    return window


def _placeable(row: Row) -> bool:
    return bool(_FIRST_US <= row["event_time"] < _END_US)


def _local_day(row: Row) -> tuple[int | None, int | None]:
    if not _placeable(row):
        return None, None
    zone = row["store_time_zone"]
    there = zone if zone in _zones() else "UTC"
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(
        microseconds=row["event_time"]
    )
    day = moment.astimezone(ZoneInfo(there)).date()
    return day_start(there, day), day_start(there, day + datetime.timedelta(days=1))


@cache
def _zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if name[0].isupper())


@lru_cache(10_000)
def day_start(zone: str, day: datetime.date) -> int:
    """The first instant of a zone's date: the first minute, around midnight, that has it."""
    there = ZoneInfo(zone)
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=there)
    exact = plain(midnight.astimezone(datetime.UTC))
    before = midnight.astimezone(datetime.UTC) - datetime.timedelta(hours=3)
    minutes = (before + datetime.timedelta(minutes=n) for n in range(6 * 60))
    first = next((m for m in minutes if m.astimezone(there).date() >= day), None)
    # Zones before standard time are off by seconds: there midnight itself is exact.
    found = plain(first) if first is not None else exact
    return exact if 0 <= found - exact < _MINUTE_US else found


def _reversed(rows: list[Row]) -> int:
    return sum(row["event_type"] == "REVERSED" for row in rows)


def _filled(rows: list[Row]) -> int:
    return len(rows) - _reversed(rows)


def _net(value: Callable[[Row], Decimal | None]) -> Callable[[list[Row]], Decimal | None]:
    """What was filled, less what was reversed; None if there is nothing to add up."""

    def summed(rows: list[Row]) -> Decimal | None:
        signed = [
            -given if row["event_type"] == "REVERSED" else given
            for row in rows
            if (given := value(row)) is not None
        ]
        return sum(signed, Decimal(0)) if signed else None

    return summed


def _minutes(at: float) -> Callable[[list[Row]], Quantile]:
    def quantile(rows: list[Row]) -> Quantile:
        given = [r["turnaround_minutes"] for r in rows if r["turnaround_minutes"] is not None]
        return Quantile(tuple(sorted(given)), at)

    return quantile


_FILLS: Final = ("FILLED", "PARTIALLY_FILLED", "REVERSED")
_ONE: Final = _net(lambda row: Decimal(1))

AGGREGATES: Final[Mapping[str, _Aggregate]] = {
    "fills_per_store": _Aggregate(
        dimensions=("pharmacy_ncpdp_id",),
        event_types=_FILLS,
        window=_fixed(5 * _MINUTE_US),
        measures={"fills": _filled, "reversals": _reversed, "net_fills": _ONE},
    ),
    "units_per_drug": _Aggregate(
        dimensions=("ndc11", "unit_of_measure"),
        event_types=_FILLS,
        window=_fixed(60 * _MINUTE_US),
        measures={"net_units": _net(lambda row: row["quantity_dispensed"])},
    ),
    "revenue_by_payer": _Aggregate(
        dimensions=("payment_type", "payer_bin"),
        event_types=_FILLS,
        window=_local_day,
        measures={"net_revenue": _net(lambda row: row["total_paid"]), "net_fills": _ONE},
        zoned=True,
    ),
    "turnaround_per_store": _Aggregate(
        dimensions=("pharmacy_ncpdp_id",),
        event_types=("READY",),
        window=_fixed(60 * _MINUTE_US),
        measures={"ready": len, "minutes_p50": _minutes(0.5), "minutes_p95": _minutes(0.95)},
    ),
}


def totals(name: str, rows: Iterable[Row]) -> dict[Key, dict[str, Any]]:
    """An aggregate's totals: window and dimensions -> measure -> value, or ``Quantile``.

    Args:
        name: One of ``AGGREGATES``.
        rows: All rows of dispense events in the lake.
    """
    aggregate = AGGREGATES[name]
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        if row["event_type"] in aggregate.event_types:
            key = (*aggregate.window(row), *(row[each] for each in aggregate.dimensions))
            groups.setdefault(key, []).append(row)
    return {key: _measured(aggregate, listed) for key, listed in groups.items()}


def _measured(aggregate: _Aggregate, rows: list[Row]) -> dict[str, Any]:
    zones = [row["store_time_zone"] for row in rows] if aggregate.zoned else []
    return {
        "rows": len(rows),
        "faults": sum(zone not in _zones() for zone in zones),
        **{name: measure(rows) for name, measure in aggregate.measures.items()},
    }


def totals_that_differ(
    name: str, told: Iterable[Mapping[str, Any]], rows: Iterable[Row]
) -> Iterator[str]:
    """Yields where an aggregate's totals are not what its rows give; no values of messages.

    Args:
        name: The aggregate.
        told: One mapping per window and dimensions, times as Python has them.
        rows: All rows of dispense events in the lake.
    """
    wanted = totals(name, rows)
    dimensions = AGGREGATES[name].dimensions
    seen: set[Key] = set()
    for number, given in enumerate(told):
        values = {column: plain(value) for column, value in given.items()}
        start, end = values.pop("window_start"), values.pop("window_end")
        key = (start, end, *(values.pop(each) for each in dimensions))
        if key in seen or key not in wanted:
            yield f"{name}, row {number}: {'is there twice' if key in seen else 'is not expected'}"
            continue
        seen.add(key)
        yield from _values_that_differ(f"{name}, row {number}", values, wanted[key])
    if len(wanted) > len(seen):
        yield f"{name}: {len(wanted) - len(seen)} rows are missing"


def _values_that_differ(
    place: str, told: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[str]:
    if told.keys() != wanted.keys():
        yield f"{place}: has the columns {sorted(told)}, not {sorted(wanted)}"
        return
    for column, value in wanted.items():
        got = told[column]
        same = value.agrees(got) if isinstance(value, Quantile) else got == value
        if not same:
            yield f"{place}: {column} differs"
