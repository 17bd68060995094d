"""Totals in plain Python: a dictionary of rows by window and store, exact values throughout."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from tests.transforms.windows.rows import Row

Key = tuple[datetime | None, datetime | None, str | None]


def grouped(rows: Sequence[Row], window: str) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[(*_window(row, window), row.store)].append(row)
    return groups


def _window(row: Row, window: str) -> tuple[datetime | None, datetime | None]:
    if row.time is None:
        return None, None
    if window == "5m":
        start = row.time - timedelta(
            minutes=row.time.minute % 5, seconds=row.time.second, microseconds=row.time.microsecond
        )
        return start, start + timedelta(minutes=5)
    zone = ZoneInfo(row.zone if row.zone in available_timezones() else "UTC")
    day = row.time.astimezone(zone).date()
    # Right in the zones that the tests use: their midnights are neither skipped nor doubled.
    ends = [datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1))]
    return ends[0].astimezone(UTC), ends[1].astimezone(UTC)


def measured(rows: Sequence[Row]) -> dict[str, Any]:
    """What ``EVERY_KIND`` measures; of quantiles the sorted values, of distinct the exact count."""
    paid = [-r.paid if r.kind == "REVERSED" else r.paid for r in rows if r.paid is not None]
    minutes = [r.minutes for r in rows if r.minutes is not None]
    return {
        "rows": len(rows),
        "fills": sum(r.kind == "FILLED" for r in rows),
        "revenue": sum(paid) if paid else None,
        "days": _sum([r.days for r in rows if r.days is not None]),
        "shortest": min(minutes, default=None),
        "last_note": max((r.note for r in rows if r.note is not None), default=None),
        "patients": len({r.patient for r in rows if r.patient}),
        "turnaround": sorted(minutes),
    }


def _sum(values: Sequence[int]) -> int | None:
    return sum(values) if values else None


def quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[math.floor(q * (len(ordered) - 1))] if ordered else None
