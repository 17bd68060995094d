"""The action ``age_band``: five years each, and one band from 90 on.

45 CFR 164.514(b)(2)(i)(C): all ages over 89 become one category. A year of birth in place of a band
would turn into such an age some day; a band at the time of the event never does.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from transforms.masking.dates import days_of

#: From here on ages are one category.
OLDEST: Final = 90
YEARS: Final = 5

BANDS: Final = pa.array(
    [f"{first}-{first + YEARS - 1}" for first in range(0, OLDEST, YEARS)] + [f"{OLDEST}+"]
)


def age_band(column: pa.Array, reference: pa.Array | None) -> pa.Array:
    """Returns the band of an age.

    Args:
        column: Dates of birth, or ages in years as integers.
        reference: For dates of birth, the day or point in time (UTC) at which each row counts.

    Returns:
        Dictionary of text, of all bands; null for null, for a missing reference, and for ages
        below 0.
    """
    unknown = np.asarray(column.is_null())
    if pt.is_integer(column.type):
        ages = np.asarray(column.fill_null(0)).astype(np.float64)
    else:
        assert reference is not None
        unknown |= np.asarray(reference.is_null())
        ages = completed_years(days_of(column), days_of(reference))
    unknown |= ages < 0
    bands = np.clip(np.where(unknown, 0, ages), 0, OLDEST).astype(np.int32) // YEARS
    return pa.DictionaryArray.from_arrays(pa.array(bands, mask=unknown), BANDS)


def completed_years(
    births: np.ndarray[Any, Any], days: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Returns full years between two days (days since 1970), negative before the birth.

    Who is born on February 29 completes a year on March 1 where there is no such day.
    """
    birth_year, birth_day = _year_and_day(births)
    year, day = _year_and_day(days)
    years: np.ndarray[Any, Any] = year - birth_year - (day < birth_day)
    return years


def _year_and_day(days: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Returns the year, and a number that orders the days of a year alike in every year."""
    whole = days.astype("datetime64[D]")
    months = whole.astype("datetime64[M]")
    ordinal = months.astype(np.int64)
    day = (whole - months).astype(np.int64)
    return np.floor_divide(ordinal, 12), np.mod(ordinal, 12) * 32 + day
