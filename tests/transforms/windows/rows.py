"""Rows of dispense events to aggregate, and the aggregates that the product has built in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import yaml

from tests.transforms.segments import raw_segment
from transforms.segment import Segment
from transforms.windows import Aggregate, AggregateWindows

DATASET = "dispense_event"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT_TYPES = ["UNKNOWN", "READY", "FILLED", "REVERSED"]

SCHEMA = pa.schema(
    [
        pa.field("_offset", pa.int64(), nullable=False),
        pa.field("_row", pa.int32(), nullable=False),
        pa.field("event_time", pa.timestamp("us", "UTC")),
        pa.field("event_type", pa.dictionary(pa.int32(), pa.string())),
        pa.field("pharmacy_ncpdp_id", pa.string()),
        pa.field("store_time_zone", pa.string()),
        pa.field("total_paid", pa.decimal128(12, 2)),
        pa.field("patient_id", pa.string()),
        pa.field("turnaround_minutes", pa.float64()),
        pa.field("days_supply", pa.int32()),
        pa.field("note", pa.string()),
    ]
)


@dataclass(frozen=True)
class Row:
    """One event; its offset is its place in the list."""

    time: datetime | None = NOON
    kind: str | None = "FILLED"
    store: str | None = "0100001"
    zone: str | None = "America/New_York"
    paid: Decimal | None = Decimal("10.00")
    patient: str | None = "p1"
    minutes: float | None = 30.0
    days: int | None = 30
    note: str | None = "1"


def table(rows: Sequence[Row]) -> pa.Table:
    kinds = [None if r.kind is None else EVENT_TYPES.index(r.kind) for r in rows]
    columns: list[Any] = [
        list(range(len(rows))),
        [0] * len(rows),
        [r.time for r in rows],
        pa.DictionaryArray.from_arrays(pa.array(kinds, pa.int32()), EVENT_TYPES),
        [r.store for r in rows],
        [r.zone for r in rows],
        [r.paid for r in rows],
        [r.patient for r in rows],
        [r.minutes for r in rows],
        [r.days for r in rows],
        [r.note for r in rows],
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.table(arrays, schema=SCHEMA)


def segment(rows: Sequence[Row]) -> Segment:
    """Offsets count from zero."""
    held = raw_segment(0, len(rows))
    return Segment(**{**vars(held), "rows": {DATASET: table(rows)}})


def declare(**changes: Any) -> Aggregate:
    """A plain count per store and five minutes, but for the changes."""
    return Aggregate.model_validate(
        {
            "name": "counted",
            "dataset": DATASET,
            "time": "event_time",
            "window": "5m",
            "dimensions": ["pharmacy_ncpdp_id"],
            "measures": {"events": {"count": ""}},
            **changes,
        }
    )


def derive(rows: Sequence[Row], **changes: Any) -> list[dict[str, Any]]:
    return AggregateWindows(declare(**changes)).derive(segment(rows)).to_pylist()


#: Every kind of measure, each with an expression that is null for some rows.
EVERY_KIND = {
    "fills": {"count": "event_type = 'FILLED'"},
    "revenue": {"sum": "CASE event_type WHEN 'REVERSED' THEN -total_paid ELSE total_paid END"},
    "days": {"sum": "days_supply"},
    "shortest": {"min": "turnaround_minutes"},
    "last_note": {"max": "note"},
    "patients": {"distinct": "patient_id"},
    "turnaround": {"quantiles": "turnaround_minutes", "at": [0, 0.5, 0.95, 1], "accuracy": 0.02},
}

#: A fill counts when it is filled, since a claim may be reversed that nobody ever picked up.
BUILT_IN = yaml.safe_load("""
- name: fills_per_store_5m
  dataset: dispense_event
  time: event_time
  window: 5m
  dimensions: [pharmacy_ncpdp_id]
  where: event_type IN ('FILLED', 'PARTIALLY_FILLED', 'DISPENSED', 'REVERSED')
  measures:
    fills: {count: "event_type IN ('FILLED', 'PARTIALLY_FILLED')"}
    reversals: {count: "event_type = 'REVERSED'"}
    dispensed: {count: "event_type = 'DISPENSED'"}
    net_fills:
      sum: "CASE event_type WHEN 'REVERSED' THEN -1 WHEN 'DISPENSED' THEN 0 ELSE 1 END"
- name: units_per_ndc_1h
  dataset: dispense_event
  time: event_time
  window: 1h
  dimensions: [ndc11, unit_of_measure]
  where: event_type IN ('FILLED', 'PARTIALLY_FILLED', 'REVERSED')
  measures:
    units: {sum: "CASE WHEN event_type <> 'REVERSED' THEN quantity_dispensed END"}
    net_units:
      sum: "CASE event_type WHEN 'REVERSED' THEN -quantity_dispensed ELSE quantity_dispensed END"
- name: revenue_by_payer_day
  dataset: dispense_event
  time: event_time
  window: day
  zone: store_time_zone
  dimensions: [payer_bin, payment_type]
  where: event_type IN ('FILLED', 'PARTIALLY_FILLED', 'REVERSED')
  measures:
    fills: {count: "event_type <> 'REVERSED'"}
    reversals: {count: "event_type = 'REVERSED'"}
    revenue: {sum: "CASE event_type WHEN 'REVERSED' THEN -total_paid ELSE total_paid END"}
- name: turnaround_per_store_1h
  dataset: dispense_event
  time: event_time
  window: 1h
  dimensions: [pharmacy_ncpdp_id]
  where: event_type = 'READY'
  measures:
    ready: {count: ""}
    turnaround: {quantiles: turnaround_minutes, at: [0.5, 0.9, 0.95], accuracy: 0.01}
""")
