"""Limits on dates and times."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.limits.limit import Flags, Limit

#: Microseconds of each unit that a column of times may count in; one of nanoseconds ends in 2262.
_MICROS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True)
class DayRange(Limit):
    """Dates lie within a range.

    Attributes:
        first: Days since 1970.
        last: The last day that there may be, likewise.
        named: The range, for people.
    """

    first: int
    last: int
    named: str
    code = "date_out_of_range"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return f"a date from {self.named}"

    def _broken(self, values: pa.Array) -> Flags | None:
        return _outside(values.view(pa.int32()), self.first, self.last)


@dataclass(frozen=True)
class TimeRange(Limit):
    """Times lie within a range.

    Attributes:
        first: Microseconds since 1970, UTC.
        last: The last time that there may be, likewise.
        named: The range, for people.
    """

    first: int
    last: int
    named: str
    code = "time_out_of_range"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return f"a time from {self.named}"

    def _broken(self, values: pa.Array) -> Flags | None:
        unit = _MICROS[values.type.unit]
        # Counted in the column's unit: in microseconds its numbers could overflow.
        return _outside(values.view(pa.int64()), -(-self.first // unit), self.last // unit)


def _outside(numbers: pa.Array, first: int, last: int) -> Flags | None:
    outermost = pc.min_max(numbers).as_py()
    if outermost["min"] is None or (outermost["min"] >= first and outermost["max"] <= last):
        return None
    held = numbers.fill_null(first)
    return np.asarray(pc.or_(pc.less(held, first), pc.greater(held, last)))
