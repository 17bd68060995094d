"""Limits on texts and bytes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.limits.limit import Flags, Limit


@dataclass(frozen=True)
class MostBytes(Limit):
    """Texts, counted in UTF-8, and bytes are at most so long.

    Attributes:
        most: Bytes.
    """

    most: int
    code = "too_long"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return f"at most {self.most:,} bytes"

    def _broken(self, values: pa.Array) -> Flags | None:
        sizes = pc.binary_length(values)
        if (pc.max(sizes).as_py() or 0) <= self.most:
            return None
        return np.asarray(pc.greater(sizes, self.most).fill_null(False))


@dataclass(frozen=True)
class NoNul(Limit):
    """Texts hold no character U+0000."""

    code = "holds_nul"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return "without the character U+0000"

    def _broken(self, values: pa.Array) -> Flags | None:
        if _bytes_of(values).all():
            return None
        flags = np.asarray(pc.match_substring(values, "\0").fill_null(False))
        return flags if flags.any() else None


def _bytes_of(values: pa.Array) -> np.ndarray:
    """Returns the bytes of all texts at once; those of nulls may be among them."""
    _, offsets, held = values.buffers()
    if held is None or not len(values):
        return np.empty(0, np.uint8)
    wide = np.int64 if pa.types.is_large_string(values.type) else np.int32
    ends = np.frombuffer(offsets, wide)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(held, np.uint8)[ends[0] : ends[-1]]
