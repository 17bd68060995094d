"""Limits on lists, maps and records: on the texts within, and on the whole as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from transforms.limits.limit import Flags, Limit

Counts = np.ndarray[Any, np.dtype[np.int64]]

#: More than any number, date or time takes as JSON: a decimal of 76 digits, quoted.
_WIDEST: Final = 80
#: A character of one byte may become ``\u001f``.
_ESCAPED: Final = 6


@dataclass(frozen=True)
class NestedTextBytes(Limit):
    """Each text within is at most so long.

    Attributes:
        most: Bytes of UTF-8.
    """

    most: int
    code = "text_too_long"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return f"texts within of at most {self.most:,} bytes"

    def _broken(self, values: pa.Array) -> Flags | None:
        flags = _summed(values, self._too_long, framed=False) > 0
        return flags if flags.any() else None

    def _too_long(self, leaves: pa.Array) -> Counts:
        if not _is_text(leaves.type):
            return np.zeros(len(leaves), np.int64)
        return (_sizes(leaves) > self.most).astype(np.int64)


@dataclass(frozen=True)
class JsonBytes(Limit):
    """The whole value is at most so long, written as compact JSON.

    Attributes:
        most: Bytes.
    """

    most: int
    code = "too_large"

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return f"at most {self.most:,} bytes as JSON"

    def _broken(self, values: pa.Array) -> Flags | None:
        # Few rows can be too large by the most that they can take; those are written out.
        flags = _summed(values, _most_json, framed=True) > self.most
        for row in np.flatnonzero(flags):
            flags[row] = len(_json(values[row].as_py())) > self.most
        return flags if flags.any() else None


def _most_json(leaves: pa.Array) -> Counts:
    if _is_text(leaves.type) or _is_binary(leaves.type):
        return _sizes(leaves) * _ESCAPED + 2
    return np.full(len(leaves), _WIDEST, np.int64)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _summed(values: pa.Array, measure: Callable[[pa.Array], Counts], *, framed: bool) -> Counts:
    """Returns for each value the sum of a measure over all that it holds.

    Args:
        values: Of any type.
        measure: Of values that hold no others.
        framed: Brackets, commas and names count, too.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _summed(values.dictionary_decode(), measure, framed=framed)
    if pa.types.is_map(kind):
        return _summed(_as_list(values), measure, framed=framed)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        counts = np.asarray(pc.list_value_length(values).fill_null(0), dtype=np.int64)
        within = _summed(values.flatten(), measure, framed=framed)
        return _by_list(within, counts) + framed * (counts + 2)
    if pa.types.is_struct(kind):
        frame = framed * (2 + sum(len(field.name.encode()) + 4 for field in kind))
        total = np.full(len(values), frame, np.int64)
        for part in values.flatten():
            total += _summed(part, measure, framed=framed)
        return total
    return measure(values)


def _by_list(within: Counts, counts: Counts) -> Counts:
    sums = np.concatenate([[0], np.cumsum(within)])
    ends = np.cumsum(counts)
    return np.asarray(sums[ends] - sums[ends - counts])


def _as_list(values: pa.Array) -> pa.Array:
    """Returns maps as lists of records of a key and an item."""
    return values.cast(pa.list_(pa.struct([values.type.key_field, values.type.item_field])))


def _sizes(leaves: pa.Array) -> Counts:
    return np.asarray(pc.binary_length(leaves).fill_null(0), dtype=np.int64)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
