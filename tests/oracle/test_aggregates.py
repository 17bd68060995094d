import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
import yaml

from tests.oracle.aggregates import AGGREGATES, Quantile, day_start, totals, totals_that_differ
from tests.oracle.moments import plain

MINUTE = 60_000_000


def row(kind: str, at: int = 0, **values: Any) -> dict[str, Any]:
    return {
        "event_type": kind, "event_time": at, "pharmacy_ncpdp_id": "1", "ndc11": None,
        "unit_of_measure": "EA",
        "store_time_zone": "UTC", "payment_type": "CASH", "payer_bin": None,
        "quantity_dispensed": Decimal(3), "total_paid": None, "turnaround_minutes": None, **values,
    }  # fmt: skip


def test_the_packaged_aggregates_are_those_of_the_oracle():
    text = files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text("utf-8")
    declared = yaml.safe_load(text)["aggregates"]
    assert {each["name"]: tuple(each["dimensions"]) for each in declared} == {
        name: each.dimensions for name, each in AGGREGATES.items()
    }


def test_reversals_count_against_fills_in_their_own_window():
    rows = [
        row("FILLED"),
        row("REVERSED", 4 * MINUTE),
        row("FILLED", 5 * MINUTE),
        row("READY"),
    ]
    assert totals("fills_per_store", rows) == {
        (0, 5 * MINUTE, "1"): {
            "rows": 2, "faults": 0, "fills": 1, "reversals": 1, "net_fills": Decimal(0),
        },
        (5 * MINUTE, 10 * MINUTE, "1"): {
            "rows": 1, "faults": 0, "fills": 1, "reversals": 0, "net_fills": Decimal(1),
        },
    }  # fmt: skip


@pytest.mark.parametrize("zone", ["Nowhere/At_All", None])
def test_an_unknown_zone_is_a_fault_and_counts_by_utc(zone):
    rows = [row("FILLED", store_time_zone=zone, total_paid=Decimal("2.50"))]
    ((key, found),) = totals("revenue_by_payer", rows).items()
    assert key == (0, 1440 * MINUTE, "CASH", None)
    assert (found["faults"], found["net_revenue"]) == (1, Decimal("2.50"))


def test_a_time_that_has_no_window_is_counted_without_one():
    (key,) = totals("units_per_drug", [row("FILLED", -(2**62))])
    assert key == (None, None, None, "EA")


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", (2026, 3, 8), "2026-03-08T00:00+00:00"),
        ("America/New_York", (2026, 3, 8), "2026-03-08T05:00+00:00"),
        ("America/New_York", (2026, 3, 9), "2026-03-09T04:00+00:00"),
        # Clocks go forward at midnight: the day begins at one o'clock.
        ("America/Havana", (2026, 3, 8), "2026-03-08T05:00+00:00"),
        # Clocks go back over midnight: the first of the two.
        ("America/Havana", (2026, 11, 1), "2026-11-01T04:00+00:00"),
        ("Asia/Kathmandu", (2026, 1, 1), "2025-12-31T18:15+00:00"),
    ],
)
def test_local_days_begin_where_clocks_say(zone, day, start):
    told = plain(datetime.datetime.fromisoformat(start))
    assert day_start(zone, datetime.date(*day)) == told


def test_a_sketch_may_be_off_by_its_accuracy_only():
    wanted = Quantile((1.0, 100.0, 200.0), 0.5)
    assert wanted.agrees(100.9)
    assert not wanted.agrees(101.1)
    assert not wanted.agrees(None)
    assert Quantile((), 0.5).agrees(None)


def test_differing_totals_are_told_without_their_values():
    rows = [row("FILLED"), row("FILLED", 60 * MINUTE)]
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    hour = datetime.timedelta(hours=1)
    first = {
        "window_start": epoch, "window_end": epoch + hour, "ndc11": None, "unit_of_measure": "EA",
        "rows": 1, "faults": 0, "net_units": Decimal(4),
    }  # fmt: skip
    strange = {**first, "ndc11": "x"}
    assert list(totals_that_differ("units_per_drug", [first, first, strange], rows)) == [
        "units_per_drug, row 0: net_units differs",
        "units_per_drug, row 1: is there twice",
        "units_per_drug, row 2: is not expected",
        "units_per_drug: 1 rows are missing",
    ]
