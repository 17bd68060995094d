"""Days and microseconds since 1970 (UTC), as whole numbers: Python's dates end with year 9999."""

import datetime
from typing import Any

DAY_US = 86_400_000_000
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICRO = datetime.timedelta(microseconds=1)
#: 400 years of the Gregorian calendar.
_CYCLE_DAYS = 146_097


class UnjudgeableError(Exception):
    """An expression has no value on this row: in SQL it fails."""


def plain(value: Any) -> Any:
    """A date in days, a time in microseconds, any other value as it is."""
    if isinstance(value, datetime.datetime):
        return (value - _EPOCH) // _MICRO
    if isinstance(value, datetime.date):
        return value.toordinal() - _EPOCH.toordinal()
    return value


def midnight(day: int | None) -> int | None:
    """The first microsecond of a day.

    Raises:
        UnjudgeableError: A timestamp of 64 bits doesn't reach that far.
    """
    if day is None:
        return None
    micros = day * DAY_US
    if not -(2**63) < micros < 2**63:
        raise UnjudgeableError
    return micros


def moved(micros: int, by: int) -> int:
    """A time and an interval.

    Raises:
        UnjudgeableError: A timestamp doesn't reach that far.
    """
    if not -(2**63) < micros + by < 2**63 - 1:
        raise UnjudgeableError
    return micros + by


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month, of any year."""
    cycles, rest = divmod(day - plain(datetime.date(2000, 1, 1)), _CYCLE_DAYS)
    date = datetime.date(2000, 1, 1) + datetime.timedelta(days=rest)
    return date.year + 400 * cycles, date.month, date.day


def months_after(day: int | None, months: int) -> int | None:
    """Midnight of the same day some months later, or of the month's last day if it is shorter.

    Raises:
        UnjudgeableError: A timestamp doesn't reach that far.
    """
    if day is None:
        return None
    midnight(day)
    year, month, of_month = civil(day)
    years, month = divmod(month - 1 + months, 12)
    cycles, place = divmod(year + years, 400)
    # Any year of the same place in the calendar's cycle will do.
    like = 2000 + place
    first = datetime.date(like, month + 1, 1)
    last = (datetime.date(like, month + 1, 28) + datetime.timedelta(days=4)).replace(day=1)
    length = (last - first).days
    moved = plain(first) + min(of_month, length) - 1
    return midnight(moved + (cycles - 5) * _CYCLE_DAYS)


def completed_years(birth: int | None, day: int | None) -> int | None:
    """Full years; who is born on February 29 completes one on March 1 where there is no such day.

    Negative before the birth.
    """
    if birth is None or day is None:
        return None
    born, then = civil(birth), civil(day)
    return then[0] - born[0] - (then[1:] < born[1:])
