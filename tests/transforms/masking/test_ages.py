from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.masking.ages import BANDS, age_band, completed_years

DAYS = st.dates(date(1890, 1, 1), date(2100, 1, 1))


def years(born, day):
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def days(*values):
    return np.array(values, "datetime64[D]").astype(np.int64)


class TestCompletedYears:
    @settings(max_examples=200)
    @given(DAYS, DAYS)
    def test_a_year_is_complete_on_the_birthday(self, born, day):
        assert completed_years(days(born), days(day)).tolist() == [years(born, day)]

    @pytest.mark.parametrize(
        ("day", "age"),
        [("2025-02-28", 24), ("2025-03-01", 25), ("2028-02-28", 27), ("2028-02-29", 28)],
    )
    def test_who_is_born_on_a_leap_day_has_it_on_march_1(self, day, age):
        born = date(2000, 2, 29)
        assert completed_years(days(born), days(date.fromisoformat(day))).tolist() == [age]


class TestAgeBand:
    @settings(max_examples=60)
    @given(st.lists(st.tuples(DAYS, DAYS), min_size=1))
    def test_a_band_holds_the_age_and_90_is_the_last(self, pairs):
        born, at = zip(*pairs, strict=True)
        bands = age_band(pa.array(born), pa.array(at)).to_pylist()
        for band, age in zip(bands, map(years, born, at), strict=True):
            if age < 0:
                assert band is None
            elif age >= 90:
                assert band == "90+"
            else:
                first, last = map(int, band.split("-"))
                assert first <= age <= last == first + 4
                assert first % 5 == 0

    @pytest.mark.parametrize(
        ("age", "band"),
        [(0, "0-4"), (4, "0-4"), (5, "5-9"), (89, "85-89"), (90, "90+"), (200, "90+"), (-1, None)],
    )
    def test_ages_in_years_are_banded_too(self, age, band):
        assert age_band(pa.array([age, None], pa.int32()), None).to_pylist() == [band, None]

    def test_the_largest_integers_are_old_or_unborn(self):
        column = pa.array([2**63 - 1, -(2**63)])
        assert age_band(column, None).to_pylist() == ["90+", None]

    def test_without_the_day_there_is_no_age(self):
        born = pa.array([date(1950, 1, 1), None])
        at = pa.array([None, datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
        assert age_band(born, at).to_pylist() == [None, None]

    def test_every_piece_has_the_same_dictionary(self):
        assert age_band(pa.array([3]), None).dictionary.equals(BANDS)
