import math
import pickle
from datetime import timedelta
from decimal import Decimal
from threading import Thread
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.segments import raw_segment
from tests.transforms.windows.oracle import grouped, measured, quantile
from tests.transforms.windows.rows import (
    DATASET,
    EVERY_KIND,
    NOON,
    SCHEMA,
    Row,
    declare,
    derive,
    segment,
)
from transforms.lake.files import _ipc
from transforms.windows import AggregateWindows, aggregate_of, read_totals
from transforms.windows.sketches import estimate_distinct

BERLIN_SPRING = NOON.replace(day=29, hour=0)

ROWS = st.lists(
    st.builds(
        Row,
        time=st.none()
        | st.integers(0, 3 * 86_400).map(lambda s: BERLIN_SPRING + timedelta(seconds=s))
        | st.just(NOON - timedelta(days=400)),
        kind=st.sampled_from(["READY", "FILLED", "REVERSED", None]),
        store=st.sampled_from(["0100001", "0100002", None]),
        zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Nowhere", None]),
        paid=st.none() | st.decimals("-9999999999.99", "9999999999.99", places=2),
        patient=st.sampled_from(["p1", "p2", "p3", "", None]),
        minutes=st.none() | st.floats(-1e4, 1e4).filter(lambda x: x == 0 or abs(x) > 1e-3),
        days=st.none() | st.integers(-(2**31), 2**31 - 1),
        note=st.sampled_from(["1", "2", "ß", None]),
    ),
    max_size=30,
)

#: Made once: an aggregate is checked and planned at its first rows.
EVERY = {
    "5m": AggregateWindows(declare(measures=EVERY_KIND)),
    "day": AggregateWindows(declare(window="day", zone="store_time_zone", measures=EVERY_KIND)),
}


class TestAgainstTheOracle:
    """Plain Python counts the same rows."""

    @settings(max_examples=30, deadline=None)
    @given(ROWS, st.sampled_from(["5m", "day"]))
    def test_every_measure_of_every_window_agrees(self, rows, window):
        made = EVERY[window].derive(segment(rows))
        found = read_totals(made).to_pylist() if rows else []
        expected = {key: measured(held) for key, held in grouped(rows, window).items()}
        keys = [(r["window_start"], r["window_end"], r["pharmacy_ncpdp_id"]) for r in found]
        assert sorted(keys, key=str) == sorted(expected, key=str)
        for key, row in zip(keys, found, strict=True):
            self.agrees(row, expected[key])

    def agrees(self, row, expected):
        ordered = expected.pop("turnaround")
        assert {name: row[name] for name in expected} == expected
        for title, q in (("p0", 0), ("p50", 0.5), ("p95", 0.95), ("p100", 1)):
            exact, found = quantile(ordered, q), row[f"turnaround_{title}"]
            if exact is None:
                assert found is None
            else:
                assert math.isclose(found, exact, rel_tol=0.02 * (1 + 1e-9))

    @settings(max_examples=15, deadline=None)
    @given(ROWS)
    def test_faults_are_the_rows_whose_zone_is_unknown(self, rows):
        found = derive(rows, window="day", zone="store_time_zone")
        unknown = sum(row.zone in ("Nowhere", None) for row in rows)
        assert sum(row["faults"] for row in found) == unknown


class TestRows:
    def test_no_rows_give_an_empty_table(self):
        assert AggregateWindows(declare()).derive(segment([])).num_rows == 0
        assert AggregateWindows(declare()).derive(raw_segment(0, 5)).num_rows == 0

    def test_rows_that_do_not_count_give_an_empty_table(self):
        assert derive([Row()], where="event_type = 'READY'") == []

    def test_where_keeps_what_is_true_and_not_what_is_null(self):
        found = derive([Row(), Row(kind=None), Row(kind="READY")], where="event_type = 'FILLED'")
        assert [row["rows"] for row in found] == [1]

    def test_a_null_dimension_is_a_value(self):
        found = derive([Row(store=None), Row(), Row(store=None)])
        assert {row["pharmacy_ncpdp_id"]: row["rows"] for row in found} == {None: 2, "0100001": 1}

    def test_no_dimensions_give_one_row_a_window(self):
        assert [row["events"] for row in derive([Row(), Row(store="x")], dimensions=[])] == [2]

    def test_there_may_be_many_dimensions(self):
        names = [
            *("_offset", "_row", "event_type", "pharmacy_ncpdp_id", "store_time_zone"),
            *("total_paid", "patient_id", "days_supply", "note"),
        ]
        rows = [Row(note=str(n)) for n in range(3)]
        wide = segment(rows)
        extra = {f"d{n}": pa.array([n] * len(rows)) for n in range(9)}
        whole = wide.rows[DATASET]
        for name, column in extra.items():
            whole = whole.append_column(name, column)
        wide = wide.__class__(**{**vars(wide), "rows": {DATASET: whole}})
        found = AggregateWindows(declare(dimensions=[*names, *extra])).derive(wide).to_pylist()
        assert [row["note"] for row in found] == ["0", "1", "2"]
        assert found[2]["d8"] == 8

    def test_a_result_may_have_the_name_of_another_column(self):
        found = derive(
            [Row(days=7)],
            where="days_supply = 7",
            measures={"days_supply": {"count": ""}, "twice": {"sum": "days_supply * 2"}},
        )
        assert (found[0]["days_supply"], found[0]["twice"]) == (1, 14)

    def test_an_expression_may_end_with_a_comment(self):
        assert derive([Row()], where="true -- all", measures={"n": {"sum": "1 -- one"}})


class TestNumbers:
    def test_sums_are_exact_and_wider_than_their_summands(self):
        rows = [Row(paid=Decimal("9999999999.99"))] * 1000 + [Row(paid=Decimal("0.01"))]
        made = AggregateWindows(declare(measures={"paid": {"sum": "total_paid"}})).derive(
            segment(rows)
        )
        assert made.schema.field("paid").type == pa.decimal128(38, 2)
        assert made.column("paid").to_pylist() == [Decimal("9999999999990.01")]

    def test_a_sum_of_integers_has_38_digits(self):
        found = derive([Row()] * 4, measures={"n": {"sum": "9223372036854775807"}})
        assert found[0]["n"] == 4 * (2**63 - 1)

    def test_nothing_to_measure_is_null_and_nothing_to_count_is_zero(self):
        row = derive(
            [Row(paid=None, patient=None, minutes=None, days=None, note=None, kind=None)],
            measures=EVERY_KIND,
        )[0]
        assert row["fills"] == 0
        assert [row[n] for n in ("revenue", "days", "shortest", "patients", "turnaround")] == (
            [None] * 5
        )

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_no_number_has_no_quantile(self, value):
        measures = {"wait": {"quantiles": "turnaround_minutes", "at": [0.5]}}
        found = derive([Row(minutes=value), Row(minutes=5.0)], measures=measures)
        assert [bucket["count"] for bucket in found[0]["wait"]] == [1]

    def test_the_two_zeros_are_one(self):
        measures = {"least": {"min": "turnaround_minutes"}}
        for minutes in (0.0, -0.0):
            least = derive([Row(minutes=minutes)], measures=measures)[0]["least"]
            assert math.copysign(1, least) == 1

    def test_numbers_and_times_may_be_counted_apart(self):
        measures = {"days": {"distinct": "days_supply"}, "times": {"distinct": "event_time"}}
        found = derive([Row(days=n // 2) for n in range(10)], measures=measures)[0]
        assert (estimate_distinct(found["days"]), estimate_distinct(found["times"])) == (5, 1)


class TestExpressionsThatFail:
    """On one row, which must neither be lost nor take others with it."""

    MEASURES: Final = {"whole": {"sum": "CAST(note AS INTEGER)"}, "events": {"count": ""}}
    ROWS: Final = (Row(note="1"), Row(note="x"), Row(note=None), Row(note="40"))

    def test_it_is_null_for_that_row_which_counts_as_a_fault(self):
        row = derive(self.ROWS, measures=self.MEASURES)[0]
        assert (row["whole"], row["events"], row["rows"], row["faults"]) == (41, 4, 4, 1)

    def test_a_condition_that_fails_keeps_the_row(self):
        row = derive(self.ROWS, where="CAST(note AS INTEGER) < 10")[0]
        assert (row["rows"], row["faults"]) == (2, 1)

    def test_the_other_windows_are_as_if_it_had_not(self):
        other = Row(time=NOON + timedelta(hours=1), note="7", minutes=3.0)
        measures = {**EVERY_KIND, **self.MEASURES}
        assert (
            derive([*self.ROWS, other], measures=measures)[1]
            == (derive([other], measures=measures)[0])
        )

    def test_a_fault_of_the_zone_is_not_counted_twice(self):
        row = derive([Row(note="x", zone=None)], measures=self.MEASURES, window="day", zone="note")
        assert row[0]["faults"] == 1


class TestTheTable:
    @pytest.mark.parametrize("window", EVERY)
    def test_its_schema_is_known_without_rows(self, window):
        made = EVERY[window].derive(segment([Row()]))
        assert EVERY[window].partials_schema(SCHEMA).equals(made.schema, check_metadata=True)

    def test_rows_that_were_read_back_give_the_same(self):
        held = AggregateWindows(declare(measures=EVERY_KIND))
        rows = segment([Row(), Row(kind=None)])
        sink = pa.BufferOutputStream()
        pq.write_table(rows.rows[DATASET], sink)
        back = pq.read_table(pa.BufferReader(sink.getvalue()))
        assert held.partials_of(back).equals(held.derive(rows))

    def test_the_same_rows_give_the_same_bytes(self):
        rows = [Row(patient=f"p{n}", minutes=n / 7, store=str(n % 3)) for n in range(500)]
        aggregate = declare(measures=EVERY_KIND)
        first, second = (_ipc(AggregateWindows(aggregate).derive(segment(rows))) for _ in range(2))
        assert first == second

    def test_the_declaration_rides_along_through_the_sidecars_format(self):
        aggregate = declare(measures=EVERY_KIND)
        made = AggregateWindows(aggregate).derive(segment([Row()]))
        back = pa.ipc.open_stream(_ipc(made)).read_all()
        assert aggregate_of(back.schema) == aggregate
        assert back.equals(made)

    def test_it_is_pickled_without_its_plans(self):
        held = AggregateWindows(declare())
        before = held.derive(segment([Row()]))
        again = pickle.loads(pickle.dumps(held))
        assert again.derive(segment([Row()])).equals(before)
        assert again.name == "partials.counted"

    def test_two_threads_may_derive_at_once(self):
        held, made = AggregateWindows(declare(measures=EVERY_KIND)), {}
        rows = segment([Row(patient=f"p{n}") for n in range(2_000)])

        def work(name):
            made[name] = held.derive(rows)

        threads = [Thread(target=work, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 3
        assert made[0].equals(made[1])
        assert made[1].equals(made[2])
