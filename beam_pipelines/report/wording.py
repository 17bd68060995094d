"""Numbers, sizes and times as people read them: the same everywhere on the page, UTC throughout."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Seconds of a unit, its name, seconds of the next smaller one, its name, and where it ends.
_UNITS: Final = (
    (60, "min", 1, "s", 3_600.0),
    (3_600, "h", 60, "min", 86_400.0),
    (86_400, "d", 3_600, "h", math.inf),
)
#: What stands where there is nothing to say.
NOTHING: Final = "–"  # noqa: RUF001 - a dash for people


def count(number: int | None) -> str:
    """Returns a count with separators."""
    return NOTHING if number is None else f"{number:,}"


def percent(part: int, whole: int) -> str:
    """Returns a share with two decimals; never rounded to 100 where something is missing."""
    if not whole:
        return NOTHING
    share = part / whole * 100
    return f"{min(share, 99.99):.2f} %" if part < whole else "100 %"


def size(octets: int) -> str:
    """Returns a size in decimal kilo- or megabytes."""
    return f"{octets / 1e3:,.0f} kB" if octets < 1_000_000 else f"{octets / 1e6:,.1f} MB"


def moment(at: datetime | None, *, seconds: bool = True) -> str:
    """Returns a time to the second, or to the minute."""
    if at is None:
        return NOTHING
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def millis(at: int | None) -> str:
    """Returns a time given in milliseconds since 1970."""
    return NOTHING if at is None else micros(at * 1000)


def micros(at: int | None, *, seconds: bool = True) -> str:
    """Returns a time given in microseconds since 1970."""
    if at is None:
        return NOTHING
    # Producers may send any time at all; the calendar ends with the year 9999.
    try:
        return moment(_EPOCH + timedelta(microseconds=at), seconds=seconds)
    except OverflowError:
        return "beyond the calendar"


def from_millis(at: int) -> datetime:
    """Returns the time of milliseconds since 1970, held within the calendar."""
    return _EPOCH + timedelta(milliseconds=max(-62_000_000_000_000, min(at, 253_402_300_799_999)))


def span(seconds: float | None) -> str:
    """Returns a length of time in its two largest units."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return f"{span(-seconds)} ahead"
    if seconds < 60:
        return f"{seconds:.1f} s"
    unit, name, smaller, part, _ = next(each for each in _UNITS if seconds < each[-1])
    whole, rest = divmod(int(seconds), unit)
    return f"{whole:,} {name}" + (f" {rest // smaller} {part}" if rest // smaller else "")
