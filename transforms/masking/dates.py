"""The actions ``year`` and ``date_shift``."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.identifiers import KeyedHash, Remembered, normalized

#: Shifts go back by 1 to 365 days.
MAX_SHIFT: Final = 365

_TICKS_A_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def year(dates: pa.Array) -> pa.Array:
    """Returns the year of days or points in time (UTC), int32: 45 CFR 164.514(b)(2)(i)(C)."""
    days = days_of(dates)
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return pa.array(years.astype(np.int32), mask=np.asarray(dates.is_null()))


def days_of(dates: pa.Array) -> np.ndarray[Any, Any]:
    """Returns days since 1970 (UTC), int64; anything where null."""
    if pt.is_date32(dates.type):
        return np.asarray(dates.cast(pa.int32()).fill_null(0), dtype=np.int64)
    ticks = np.asarray(dates.cast(pa.int64()).fill_null(0))
    days: np.ndarray[Any, Any] = np.floor_divide(ticks, _TICKS_A_DAY[dates.type.unit])
    return days


def shifted(dates: pa.Array, shifts: np.ndarray[Any, Any]) -> pa.Array:
    """Moves dates back, each row by its patient's days, so that a patient's intervals stay.

    Args:
        dates: Days or points in time.
        shifts: Days to go back for each row, int64; 0 where there is no patient to tell.

    Returns:
        The same type; null for null, for rows without a patient, and for dates so near the type's
        first one that they can't be moved.
    """
    a_day = 1 if pt.is_date32(dates.type) else _TICKS_A_DAY[dates.type.unit]
    kind = np.int32 if a_day == 1 else np.int64
    ticks = np.asarray(dates.cast(pa.from_numpy_dtype(kind)).fill_null(0), dtype=np.int64)
    nothing = np.asarray(dates.is_null()) | (shifts == 0)
    nothing |= ticks < np.iinfo(kind).min + MAX_SHIFT * a_day
    moved = np.where(nothing, 0, ticks) - np.where(nothing, 0, shifts) * a_day
    return pa.array(moved.astype(kind), mask=nothing).cast(dates.type)


class PatientShifts:
    """How far a patient's dates go back: ``1 + HMAC-SHA256(K, patient)[:8] mod 365`` days.

    Args:
        key: The key of date shifts, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._hash = KeyedHash(key)
        self._days = Remembered(self._of_patients)

    def of(self, patients: pa.Array) -> np.ndarray[Any, Any]:
        """Returns days for each row, int64; 0 for null and blank patients."""
        encoded = patients if pt.is_dictionary(patients.type) else patients.dictionary_encode()
        texts = encoded.dictionary.cast(pa.string()).fill_null("").to_pylist()
        days = pa.array(self._days.of(texts), pa.int64())
        return np.asarray(pc.fill_null(days.take(encoded.indices), 0))

    def _of_patients(self, texts: Sequence[str]) -> list[int]:
        plain = [normalized(text) for text in texts]
        digests = self._hash.digests(text.encode() for text in plain)
        return [
            1 + int.from_bytes(digest[:8], "big") % MAX_SHIFT if text else 0
            for text, digest in zip(plain, digests, strict=True)
        ]
