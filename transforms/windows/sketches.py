"""The mergeable sketches: HyperLogLog for distinct values, DDSketch for quantiles.

Merging is commutative and associative in every byte, which a HyperLogLog of the library is not by
itself: its estimate may depend on the order in which values came (the HIP estimator), and its bytes
on the order of a hash table's slots.

A DDSketch (Masson, Rim, Lee: DDSketch, VLDB 2019) counts values by bucket: the bucket ``i`` holds
``(gamma^(i-1), gamma^i]`` with ``gamma = (1 + accuracy) / (1 - accuracy)``, so that the bucket's
middle is off by the accuracy at most. A bucket is kept as one number that ascends with the value:
``i + ORIGIN`` of a positive value, the negative of that for a negative one, zero for zero.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import datasketches  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa

#: 4,096 registers: 1.6 % standard error in 4 kB at most; 4 bytes a value below 384 values.
HLL_LOG2_REGISTERS: Final = 12
#: Above the number of any bucket that a double can have.
ORIGIN: Final = 1 << 30

BUCKETS: Final = pa.list_(
    pa.struct(
        [
            pa.field("bucket", pa.int32(), nullable=False),
            pa.field("count", pa.int64(), nullable=False),
        ]
    )
)

_HLL_MODE_BYTE: Final = 7
_LIST, _SET = 0, 1
#: Bytes before the values of the two sparse modes; from the format of Apache DataSketches.
_PREAMBLE: Final = {_LIST: 8, _SET: 12}

Ints = np.ndarray[Any, np.dtype[np.int64]]


def sketch_distinct(values: Iterable[str]) -> bytes:
    """Returns a HyperLogLog sketch of texts, in the compact format of Apache DataSketches."""
    sketch = datasketches.hll_sketch(HLL_LOG2_REGISTERS, datasketches.tgt_hll_type.HLL_8)
    for value in values:
        sketch.update(value)
    return _canonical(sketch)


def merge_distinct(sketches: Iterable[bytes]) -> bytes:
    """Returns the sketch of all values that the sketches have seen."""
    union = datasketches.hll_union(HLL_LOG2_REGISTERS)
    for sketch in sketches:
        union.update(datasketches.hll_sketch.deserialize(sketch))
    return _canonical(union.get_result(datasketches.tgt_hll_type.HLL_8))


def estimate_distinct(sketch: bytes) -> int:
    """Returns about how many values a sketch has seen."""
    estimate: float = datasketches.hll_sketch.deserialize(sketch).get_estimate()
    return round(estimate)


def _canonical(sketch: Any) -> bytes:
    union = datasketches.hll_union(HLL_LOG2_REGISTERS)
    # The second time makes the union forget the order of arrival, even where it took a copy first.
    for _ in range(2):
        union.update(sketch)
    body: bytes = union.get_result(datasketches.tgt_hll_type.HLL_8).serialize_compact()
    start = _PREAMBLE.get(body[_HLL_MODE_BYTE] & 3)
    if start is None:
        return body
    return body[:start] + np.sort(np.frombuffer(body, "<u4", offset=start)).tobytes()


def bucket_sql(value: str, accuracy: float) -> str:
    """Returns the SQL expression of a value's bucket; null for null, NaN and infinities.

    Args:
        value: The SQL expression of a double.
        accuracy: The greatest relative error of a bucket's middle.
    """
    least = sys.float_info.min * _gamma(accuracy)
    index = f"CAST(ceil(ln(abs({value})) / {math.log(2)!r}::DOUBLE * {_scale(accuracy)!r}::DOUBLE)"
    return (
        f"CASE WHEN NOT isfinite({value}) THEN NULL "
        f"WHEN abs({value}) > {least!r}::DOUBLE "
        f"THEN CAST(sign({value}) AS INTEGER) * ({index} AS INTEGER) + {ORIGIN}) "
        f"WHEN {value} IS NOT NULL THEN 0 END"
    )


def list_buckets(buckets: Ints, counts: Ints, lengths: Ints, missing: pa.Array) -> pa.Array:
    """Returns lists of (bucket, count), one after the other, of the given lengths.

    Args:
        buckets: Of all lists.
        counts: Likewise.
        lengths: Per list.
        missing: Per list whether it is null.
    """
    values = pa.StructArray.from_arrays(
        [pa.array(buckets, pa.int32()), pa.array(counts, pa.int64())],
        fields=list(BUCKETS.value_type),
    )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=BUCKETS, mask=missing)


def quantiles(
    buckets: Ints, counts: Ints, at: Sequence[float], accuracy: float
) -> list[float | None]:
    """Returns quantiles of the values that buckets count; None if there are none.

    The value of rank ``q * (n - 1)``, counted from zero and rounded down, as the library
    ``ddsketch`` has it.

    Args:
        buckets: Ascending.
        counts: How many values each has.
        at: Between 0 and 1.
        accuracy: The one that the buckets were made with.
    """
    if not len(buckets):
        return [None] * len(at)
    reached = np.cumsum(counts)
    ranks = [math.floor(q * (int(reached[-1]) - 1)) for q in at]
    found = buckets[np.searchsorted(reached, ranks, "right")]
    return [_value(int(bucket), accuracy) for bucket in found]


def _value(bucket: int, accuracy: float) -> float:
    if bucket == 0:
        return 0.0
    middle = math.pow(2.0, (abs(bucket) - ORIGIN) / _scale(accuracy)) * 2 / (1 + _gamma(accuracy))
    return math.copysign(middle, bucket)


def _gamma(accuracy: float) -> float:
    return 1 + 2 * accuracy / (1 - accuracy)


def _scale(accuracy: float) -> float:
    # In the library's order of operations: another one would round some values into another bucket.
    return 1 / math.log1p(2 * accuracy / (1 - accuracy)) * math.log(2)
