"""Panes of a made-up aggregate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from transforms.windows import Pane

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

_PANE = Pane(
    lake="lake-1",
    definition="d1",
    aggregate="fills",
    window_start=NOON,
    window_end=NOON + HOUR,
    dimensions={"store": "s1"},
    measures={"rows": 1, "faults": 0, "fills": 1},
    index=0,
    timing="early",
    is_last=False,
    version=1,
)


def pane(store: str, rows: int, *, start: datetime = NOON, width: timedelta = HOUR, **changes):
    """A pane of so many rows; None of them if it is hidden."""
    shown = None if changes.get("suppressed") else rows
    return replace(
        _PANE,
        window_start=start,
        window_end=start + width,
        dimensions={"store": store},
        measures={"rows": shown, "faults": shown and 0, "fills": shown},
        **{"version": rows, **changes},
    )
