"""A limit on the values of a column.

Nearly every column of nearly every segment keeps to its limits, and one look at its longest text or
its outermost times tells. Rows are looked at one by one, in Arrow, only where it doesn't.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Limit(ABC):
    """What a value must keep to. Null keeps to everything."""

    #: Names what breaks it, in ``load_rejects``; never a value.
    code: ClassVar[str]

    @property
    @abstractmethod
    def words(self) -> str:
        """What a value must be, for people."""

    def broken(self, column: pa.ChunkedArray) -> Flags | None:
        """Returns per row whether its value breaks the limit; None if none does."""
        found = [self._of_chunk(chunk) for chunk in column.chunks]
        return _joined(found, [len(chunk) for chunk in column.chunks])

    @abstractmethod
    def _broken(self, values: pa.Array) -> Flags | None:
        """Does as ``broken``, for an array that is no dictionary."""

    def _of_chunk(self, chunk: pa.Array) -> Flags | None:
        if not pa.types.is_dictionary(chunk.type):
            return self._broken(chunk)
        # Few distinct values over many rows.
        distinct = self._broken(chunk.dictionary)
        if distinct is None:
            return None
        valid = np.asarray(chunk.indices.is_valid())
        flags: Flags = np.zeros(len(chunk), dtype=bool)
        flags[valid] = distinct[np.asarray(chunk.indices.drop_null())]
        return flags if flags.any() else None


def _joined(found: Sequence[Flags | None], lengths: Sequence[int]) -> Flags | None:
    if all(flags is None for flags in found):
        return None
    parts = [
        np.zeros(length, dtype=bool) if flags is None else flags
        for flags, length in zip(found, lengths, strict=True)
    ]
    return np.concatenate(parts)
