import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.moments import (
    DAY_US,
    UnjudgeableError,
    civil,
    completed_years,
    midnight,
    months_after,
    plain,
)


def day(year: int, month: int, of_month: int) -> int:
    return plain(datetime.date(year, month, of_month))


@given(st.dates())
def test_days_are_those_of_the_calendar(date):
    assert civil(plain(date)) == (date.year, date.month, date.day)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2024, 8, 31), 6, (2025, 2, 28)),
        ((2023, 8, 31), 6, (2024, 2, 29)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2024, 12, 15), 1, (2025, 1, 15)),
        ((1996, 2, 29), 36, (1999, 2, 28)),
    ],
)
def test_months_end_where_the_calendar_has_a_day(start, months, end):
    assert months_after(day(*start), months) == day(*end) * DAY_US


def test_what_no_timestamp_reaches_can_not_be_judged():
    assert midnight(None) is months_after(None, 6) is None
    with pytest.raises(UnjudgeableError):
        months_after(110_000_000, 6)


def test_who_is_born_on_a_leap_day_completes_a_year_in_march():
    born = day(1980, 2, 29)
    assert completed_years(born, day(2025, 2, 28)) == 44
    assert completed_years(born, day(2025, 3, 1)) == 45
    assert completed_years(born, day(1980, 2, 28)) == -1
    assert completed_years(None, 0) is None
