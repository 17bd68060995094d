import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.masking.dates import MAX_SHIFT, PatientShifts, shifted, year

KEY = b"k" * 32
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))


def expected(patient):
    digest = hmac.new(KEY, patient.strip().upper().encode(), hashlib.sha256).digest()
    return 1 + int.from_bytes(digest[:8], "big") % 365


class TestYear:
    @pytest.mark.parametrize("day", [date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29)])
    def test_a_day_or_a_time_becomes_its_year(self, day):
        noon = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
        assert year(pa.array([day, None])).to_pylist() == [day.year, None]
        for unit in ("s", "ms", "us", "ns"):
            assert year(pa.array([noon], pa.timestamp(unit, "UTC"))).to_pylist() == [day.year]


class TestPatientShifts:
    def test_they_are_what_the_recipe_says(self):
        patients = pa.array(["P1", "P2", " p1 ", None, " "])
        days = PatientShifts(KEY).of(patients).tolist()
        assert days == [expected("P1"), expected("P2"), expected("P1"), 0, 0]
        assert PatientShifts(KEY).of(patients.dictionary_encode()).tolist() == days

    @settings(max_examples=50)
    @given(st.text(min_size=1))
    def test_they_go_back_by_one_to_365_days(self, patient):
        (days,) = PatientShifts(KEY).of(pa.array([patient, "x"]))[:1]
        assert 1 <= days <= MAX_SHIFT or not patient.strip()


class TestShifted:
    @settings(max_examples=50)
    @given(st.lists(st.tuples(DAYS, DAYS), min_size=1), st.integers(1, 365))
    def test_the_intervals_of_a_patient_stay(self, pairs, days):
        shifts = np.full(len(pairs), days)
        first, second = (shifted(pa.array(c), shifts).to_pylist() for c in zip(*pairs, strict=True))
        for (a, b), x, y in zip(pairs, first, second, strict=True):
            assert y - x == b - a
            assert a - x == timedelta(days=days)

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_points_in_time_keep_their_time_of_day(self, unit):
        noon = datetime(2026, 3, 14, 12, 34, 56, tzinfo=UTC)
        kind = pa.timestamp(unit, "UTC")
        moved = shifted(pa.array([noon], kind), np.array([14]))
        assert moved.type == kind
        assert moved.cast(pa.timestamp("us", "UTC")).to_pylist() == [noon - timedelta(days=14)]

    def test_without_a_patient_there_is_no_date(self):
        column = pa.array([date(2026, 3, 14), None])
        assert shifted(column, np.array([0, 7])).to_pylist() == [None, None]

    def test_dates_that_cannot_move_are_null_and_never_wrap(self):
        first = -(2**31)
        days = pa.array([first, first + 364, first + 365], pa.int32()).cast(pa.date32())
        moved = shifted(days, np.full(3, 365)).cast(pa.int32())
        assert moved.to_pylist() == [None, None, first]
        ticks = pa.array([-(2**63)], pa.int64()).cast(pa.timestamp("us", "UTC"))
        assert shifted(ticks, np.array([1])).null_count == 1
