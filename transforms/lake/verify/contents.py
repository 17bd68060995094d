"""One data file: its bytes and its rows, against what its commit says of them."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.files import layout_of, small_tables, time_range
from transforms.lake.names import NO_DATE
from transforms.lake.verify.report import Breach, breach
from transforms.segment import column_values

LINEAGE: Final = ("_topic", "_topic_id", "_partition", "_offset", "_row", "_timestamp")
#: The column of rule ids; the name is repeated here as that of the dead letters is elsewhere.
WARNINGS: Final = "_warnings"
_PREFIX: Final = "pharmabeam."
_FOLDER = re.compile(r"/event_date=([^/]+)/")


@dataclass(frozen=True)
class FileRows:
    """What is kept of a data file's rows, in their order.

    Attributes:
        dataset: The dataset's name.
        offsets: ``_offset``, int64.
        rows: ``_row``, int64.
        stamps: ``_timestamp``, milliseconds since 1970 UTC, int64.
        warnings: ``_warnings``; None for a dataset without rules.
    """

    dataset: str
    offsets: np.ndarray[Any, Any]
    rows: np.ndarray[Any, Any]
    stamps: np.ndarray[Any, Any]
    warnings: pa.ChunkedArray | None = None


@dataclass(frozen=True)
class Parquet:
    """A data file's lineage columns, and what its footer says."""

    table: pa.Table
    layout: str
    footer: dict[str, str]

    @property
    def event_time(self) -> str:
        """Name of the event-time column; empty for a file that doesn't say."""
        return self.footer.get("event_time", "")


def check_bytes(commit: SegmentCommit, file: DataFile, body: bytes) -> Iterator[Breach]:
    """Yields a breach if the bytes are not those that were committed."""
    if len(body) != file.bytes:
        yield breach(commit, "size", f"{len(body)} bytes, recorded {file.bytes}", file.key)
    elif hashlib.sha256(body).hexdigest() != file.sha256:
        yield breach(commit, "sha256", "its bytes are not those that were committed", file.key)


def read_parquet(body: bytes) -> Parquet:
    """Reads the lineage and the event time of a data file.

    Raises:
        pa.ArrowException: The bytes are no Parquet file, or lack a column.
    """
    parquet = pq.ParquetFile(pa.BufferReader(body))
    footer = _footer(parquet)
    wanted = [*LINEAGE, *([footer["event_time"]] if "event_time" in footer else [])]
    missing = set(wanted) - set(parquet.schema_arrow.names)
    if missing:
        raise pa.ArrowInvalid(f"no column {min(missing)}")
    wanted += [WARNINGS] if WARNINGS in parquet.schema_arrow.names else []
    return Parquet(parquet.read(columns=wanted), layout_of(parquet.schema_arrow), footer)


def _footer(parquet: pq.ParquetFile) -> dict[str, str]:
    texts = {k.decode(): v.decode() for k, v in (parquet.metadata.metadata or {}).items()}
    return {k.removeprefix(_PREFIX): v for k, v in texts.items() if k.startswith(_PREFIX)}


def rows_of(file: DataFile, parquet: Parquet) -> FileRows:
    """Returns what is needed of the rows to rebuild the dispositions."""
    table = parquet.table
    return FileRows(
        dataset=file.dataset,
        offsets=column_values(table, "_offset").astype(np.int64),
        rows=column_values(table, "_row").astype(np.int64),
        stamps=np.asarray(table.column("_timestamp").cast(pa.int64()).to_numpy()),
        warnings=table.column(WARNINGS) if WARNINGS in table.column_names else None,
    )


def check_rows(commit: SegmentCommit, file: DataFile, parquet: Parquet) -> Iterator[Breach]:
    """Yields what differs between a data file's rows and what its commit says of them."""
    rows = rows_of(file, parquet)
    if len(rows.offsets) != file.rows:
        yield breach(commit, "rows", f"{len(rows.offsets)} rows, recorded {file.rows}", file.key)
    if parquet.layout != file.layout:
        yield breach(commit, "layout", "its columns are not those recorded", file.key)
    if not _footer_agrees(commit, file.dataset, parquet.footer):
        yield breach(commit, "footer", "its footer names another place", file.key)
    if not _ascending(rows.offsets, rows.rows):
        yield breach(commit, "order", "rows are not in order of offset and row", file.key)
    yield from _lineage(commit, file, parquet.table, rows)
    yield from _event_time(commit, file, parquet)


def _footer_agrees(commit: SegmentCommit, dataset: str, footer: dict[str, str]) -> bool:
    meant = {
        "lake_id": commit.lake_id,
        "topic": commit.topic,
        "topic_id": commit.topic_id,
        "partition": str(commit.partition),
        "offsets": f"{commit.start}-{commit.end}",
        "dataset": dataset,
    }
    return all(footer.get(name) == text for name, text in meant.items())


def _ascending(offsets: np.ndarray[Any, Any], rows: np.ndarray[Any, Any]) -> bool:
    steps = np.diff(offsets)
    return bool(np.all((steps > 0) | ((steps == 0) & (np.diff(rows) > 0))))


def _lineage(
    commit: SegmentCommit, file: DataFile, table: pa.Table, rows: FileRows
) -> Iterator[Breach]:
    meant = {"_topic": commit.topic, "_topic_id": commit.topic_id, "_partition": commit.partition}
    for name, value in meant.items():
        column = table.column(name)
        if table.num_rows and pc.unique(column).to_pylist() != [value]:
            yield breach(commit, "row-outside", f"rows of another {name} are in it", file.key)
    if not len(rows.offsets):
        return
    first, last = int(rows.offsets.min()), int(rows.offsets.max())
    if first < commit.start or last >= commit.end:
        what = f"rows of offsets {first}-{last} are in it"
        yield breach(commit, "row-outside", what, file.key)
    elif (first, last) != file.offsets:
        what = f"rows of offsets {first}-{last}, recorded {file.offsets[0]}-{file.offsets[1]}"
        yield breach(commit, "file-offsets", what, file.key)
    low, high = commit.broker_time or (0, -1)
    if int(rows.stamps.min()) < low or int(rows.stamps.max()) > high:
        what = "rows have broker timestamps outside the commit's"
        yield breach(commit, "broker-time", what, file.key)


def _event_time(commit: SegmentCommit, file: DataFile, parquet: Parquet) -> Iterator[Breach]:
    if not parquet.event_time:
        return
    column = parquet.table.column(parquet.event_time)
    found = time_range(parquet.table, parquet.event_time)
    if found != file.event_time:
        yield breach(commit, "event-time", "event times are not those recorded", file.key)
    folder = _FOLDER.search(file.key)
    date = folder[1] if folder else NO_DATE
    if date == NO_DATE or found is None:
        return
    days = {str(np.datetime64(time, "us").astype("datetime64[D]")) for time in found}
    if column.null_count or days != {date}:
        yield breach(commit, "folder", f"rows of other dates are under {date}", file.key)


def read_sidecar(body: bytes) -> dict[str, pa.Table]:
    """Reads the small tables of a sidecar file.

    Raises:
        pa.ArrowException: The bytes are none.
    """
    return small_tables(body)


def check_sidecar(
    commit: SegmentCommit, file: DataFile, tables: dict[str, pa.Table]
) -> Iterator[Breach]:
    """Yields what differs between a sidecar's tables and what its commit says of them."""
    if len(tables) != file.rows:
        yield breach(commit, "rows", f"{len(tables)} tables, recorded {file.rows}", file.key)
    found = {name: table.num_rows for name, table in tables.items()}
    if found != dict(file.tables):
        yield breach(commit, "sidecar-tables", "its tables have other row counts", file.key)


def check_no_row_twice(commit: SegmentCommit, files: Sequence[FileRows]) -> Iterator[Breach]:
    """Yields a breach per dataset in which two files of the commit hold the same row."""
    for dataset in dict.fromkeys(file.dataset for file in files):
        parts = [file for file in files if file.dataset == dataset]
        offsets = np.concatenate([part.offsets for part in parts])
        rows = np.concatenate([part.rows for part in parts])
        order = np.lexsort((rows, offsets))
        if not _ascending(offsets[order], rows[order]):
            yield breach(commit, "row-twice", f"two files of {dataset} hold the same row")
