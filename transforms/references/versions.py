"""Rows of a reference -> for each key its versions, each with the time in which it is valid."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.references.spec import ReferenceSpec

#: The end of a version that none follows: 9999-12-31, microseconds since 1970 UTC.
FOREVER_US: Final = 253_402_214_400_000_000
TIME: Final = pa.timestamp("us", "UTC")
FROM: Final = "_from"
UNTIL: Final = "_until"

#: What puts versions of one key with one effective time in order: the later message wins.
_ORDER: Final = ("_offset", "_row", "_partition", "_topic_id")


def versions(rows: pa.Table, spec: ReferenceSpec) -> pa.Table:
    """Returns the versions of all keys.

    Args:
        rows: Committed rows of the reference's dataset, in any order, each once.
        spec: Names key and effective time.

    Returns:
        The rows without lineage, by key and time, with ``_from`` and ``_until``: the half-open
        interval in which a version is valid. Intervals of one key don't overlap. Left out: rows
        without key or effective time, and versions that a later message of the same effective time
        replaces.
    """
    return public(with_lineage(rows, spec))


def with_lineage(rows: pa.Table, spec: ReferenceSpec) -> pa.Table:
    """Returns the versions with the lineage that puts them in order.

    Args:
        rows: As for ``versions``; also what this function gave before, with later rows behind it:
            what one version replaces, another one can't bring back.
        spec: Names key and effective time.
    """
    rows = rows.select([name for name in rows.column_names if name not in (FROM, UNTIL)])
    known = pc.and_(rows.column(spec.key).is_valid(), rows.column(spec.effective).is_valid())
    named = rows.filter(known).append_column(FROM, rows.filter(known).column(spec.effective))
    named = named.set_column(named.num_columns - 1, FROM, named.column(FROM).cast(TIME))
    names = [name for name in (spec.key, FROM, *_ORDER) if name in named.column_names]
    ordered = plain(named, spec).sort_by([(name, "ascending") for name in names])
    until = _until(ordered.column(spec.key), ordered.column(FROM))
    bounded = ordered.append_column(UNTIL, pa.array(until, pa.int64()).cast(TIME))
    some = bounded.filter(pc.less(bounded.column(FROM), bounded.column(UNTIL)))
    kept = (FROM, UNTIL, *_ORDER)
    return some.select([n for n in some.column_names if n in kept or n[:1] != "_"])


def public(held: pa.Table) -> pa.Table:
    """Returns versions without their lineage."""
    return held.select([n for n in held.column_names if n in (FROM, UNTIL) or n[:1] != "_"])


def plain(rows: pa.Table, spec: ReferenceSpec) -> pa.Table:
    """Returns rows whose key and order are no dictionaries: Arrow sorts by none of several keys."""
    for at, name in enumerate(rows.column_names):
        column = rows.column(name)
        if name in (spec.key, *_ORDER) and pa.types.is_dictionary(column.type):
            rows = rows.set_column(at, name, column.cast(column.type.value_type))
    return rows


def _until(keys: pa.ChunkedArray, starts: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    begins = starts.cast(pa.int64()).to_numpy()
    ends = np.full(len(begins), FOREVER_US, dtype=np.int64)
    if len(begins) > 1:
        whole = keys.combine_chunks()
        same = np.asarray(pc.equal(whole[:-1], whole[1:]).to_numpy(zero_copy_only=False))
        ends[:-1] = np.where(same, begins[1:], FOREVER_US)
    return ends
