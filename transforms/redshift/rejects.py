"""COPY failed on data: which files, which rows, and the files without them.

Redshift has no savepoints and Parquet no MAXERROR, so the load is rolled back first, and this runs
in small transactions that are rolled back all. It keeps who a row is and why it was refused, never
a value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.errors import CopyDataError, PipelineError, WarehouseError
from transforms.lake import DataFile, ObjectStore
from transforms.lake.commit import digest
from transforms.redshift.layout import Column
from transforms.redshift.manifest import Manifests, Source
from transforms.segment import column_values

#: Rows that are looked for one by one in a file, where we can't see ourselves what is wrong with
#: them: each costs some twenty COPYs.
MAX_SEARCHED: Final = 20
UNFIT: Final = "copy_refused_it"


@dataclass(frozen=True)
class Reject:
    """A row that COPY refuses.

    Attributes:
        offset: Its ``_offset``.
        row: Its ``_row``.
        reason: A code and the column's name, such as ``too_long:store_time_zone``.
    """

    offset: int
    row: int
    reason: str


@dataclass(frozen=True)
class Cleaned:
    """What is loaded in a data file's place.

    Attributes:
        source: The rows that fit; None if none does.
        rejects: The others.
    """

    source: Source | None
    rejects: tuple[Reject, ...] = field(default=())


#: Tells whether COPY takes these, into a table that is rolled back.
Takes = Callable[[Sequence[Source]], bool]


def isolate(
    store: ObjectStore,
    manifests: Manifests,
    files: Sequence[DataFile],
    columns: Sequence[Column],
    takes: Takes,
) -> dict[str, Cleaned]:
    """Finds the files that COPY refuses and makes copies without the rows at fault.

    Args:
        store: The lake's objects.
        manifests: Where copies are stored.
        files: All of one layout.
        columns: Of the staging table.
        takes: Tries a COPY.

    Returns:
        By the key of each file at fault, what to load instead.

    Raises:
        PipelineError: A file isn't what its commit says: that is no matter of rows.
        WarehouseError: COPY takes none of a file's rows: nor is that.
    """
    sources = {file.key: Source(file.key, file.bytes) for file in files}
    bad = _bad(list(sources.values()), takes)
    by_key = {file.key: file for file in files}
    return {each.key: _clean(store, manifests, by_key[each.key], columns, takes) for each in bad}


def _bad(sources: list[Source], takes: Takes) -> list[Source]:
    if not sources or takes(sources):
        return []
    if len(sources) == 1:
        return sources
    middle = len(sources) // 2
    return _bad(sources[:middle], takes) + _bad(sources[middle:], takes)


def _clean(
    store: ObjectStore,
    manifests: Manifests,
    file: DataFile,
    columns: Sequence[Column],
    takes: Takes,
) -> Cleaned:
    table = _read(store, file)
    reasons = unfit(table, columns)
    search = _Search(manifests, file, table, takes)
    fitting = np.setdiff1d(np.arange(table.num_rows), np.fromiter(reasons, np.int64, len(reasons)))
    refused = search.refused(fitting)
    if len(refused) == len(fitting) > 1:
        raise WarehouseError(
            f"COPY refuses each of {len(fitting)} rows of {file.key} in which we see no fault",
            "So it isn't about rows: see what SYS_LOAD_ERROR_DETAIL says of the last COPY",
        )
    reasons.update(dict.fromkeys(refused, UNFIT))
    kept = np.setdiff1d(fitting, np.fromiter(reasons, np.int64, len(reasons)))
    source = search.put(kept, "kept") if len(kept) else None
    return Cleaned(source, tuple(_rejects(table, reasons)))


def _read(store: ObjectStore, file: DataFile) -> pa.Table:
    body = store.get(file.key)
    if digest(body) != file.sha256:
        raise PipelineError(
            f"the file {file.key} isn't the one that its commit names: its SHA-256 differs",
            "Prove the lake: python -m beam_pipelines.verify",
        )
    return pq.read_table(pa.BufferReader(body))


def _rejects(table: pa.Table, reasons: Mapping[int, str]) -> Iterator[Reject]:
    offsets, rows = column_values(table, "_offset"), column_values(table, "_row")
    for at in sorted(reasons):
        yield Reject(int(offsets[at]), int(rows[at]), reasons[at])


class _Search:
    """Finds refused rows of one file by copies of its parts."""

    def __init__(self, manifests: Manifests, file: DataFile, table: pa.Table, takes: Takes) -> None:
        self._manifests = manifests
        self._file = file
        self._table = table
        self._takes = takes
        self._found = 0

    def refused(self, rows: np.ndarray[Any, Any]) -> list[int]:
        """Returns the rows that COPY refuses; past a limit, all that are not yet known to fit."""
        if not len(rows) or self._takes([self.put(rows, "try")]):
            return []
        if len(rows) == 1 or self._found >= MAX_SEARCHED:
            self._found += 1
            return [int(at) for at in rows]
        middle = len(rows) // 2
        return self.refused(rows[:middle]) + self.refused(rows[middle:])

    def put(self, rows: np.ndarray[Any, Any], what: str) -> Source:
        """Stores some rows of the file as a file of its own."""
        sink = pa.BufferOutputStream()
        pq.write_table(self._table.take(pa.array(rows)), sink)
        return self._manifests.put_copy(f"{self._file.sha256[:16]}-{what}", bytes(sink.getvalue()))


def unfit(table: pa.Table, columns: Sequence[Column]) -> dict[int, str]:
    """Returns the rows whose values a table can't take, as far as we can see it ourselves.

    Args:
        table: A file's rows.
        columns: Of the staging table, in the same order.

    Returns:
        By the row's number its reason: the first one, by the order of the columns.
    """
    reasons: dict[int, str] = {}
    for column, values in zip(columns, table.columns, strict=True):
        for limit in column.type.limits:
            broken = limit.broken(values)
            for at in () if broken is None else np.flatnonzero(broken):
                reasons.setdefault(int(at), f"{limit.code}:{column.name}")
    return reasons


def takes_of(attempt: Callable[[Sequence[Source]], None]) -> Takes:
    """Returns a ``Takes`` of a function that raises where COPY refuses the data."""

    def takes(sources: Sequence[Source]) -> bool:
        try:
            attempt(sources)
        except CopyDataError:
            return False
        return True

    return takes
