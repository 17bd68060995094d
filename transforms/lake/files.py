"""Segment -> the bytes of its data files. Pure: no clock, no random, no store.

Data files are content-named, so a replay of the same range gives the same names and its PUTs are
harmless. They hold rows in offset order, lineage columns first.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.lake.commit import DataFile
from transforms.lake.dictionaries import compact
from transforms.lake.names import NO_DATE, SIDECAR, PartitionId, data_key
from transforms.segment import Segment, column_values

#: Measured on 49-column events: zstd-1 is as small as zstd-3 here and costs a third less CPU.
COMPRESSION_LEVEL: Final = 1
#: Rows of one row group; a segment seldom has more, so a file is one group.
ROW_GROUP_ROWS: Final = 131_072
#: Rows of a file that tell whether a column's values repeat: fewer hide what repeats seldom.
SAMPLE_ROWS: Final = 1_000
#: More files than this in a segment and the PUTs cost more than the rows: old dates share one.
MAX_FILES: Final = 16
_DAY_S: Final = 86_400
#: Ticks a second of each of Arrow's units: a schema may count its event time in any of them.
_TICKS: Final[Mapping[str, int]] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, kw_only=True)
class DatasetLayout:
    """How a dataset's rows are placed in files.

    Attributes:
        event_time: Column (timestamp, UTC) whose date is the folder.
        source_systems: The values of ``source_system`` that get folders of their own, an
            allow-list: a field that a producer fills must not make folders at will. Empty: none.
    """

    event_time: str
    source_systems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """A data file ready to be stored."""

    file: DataFile
    body: bytes = field(repr=False)


def build_files(
    segment: Segment,
    layouts: Mapping[str, DatasetLayout],
    small_tables: Mapping[str, pa.Table],
    footer: Mapping[str, str],
) -> Iterator[Built]:
    """Yields a segment's data files, one by one, so that one is stored while the next is made.

    Args:
        segment: Trimmed to the fence.
        layouts: Per dataset of ``segment.rows``.
        small_tables: Derived tables that ride in one sidecar file; empty ones are left out.
        footer: Lineage for the Parquet footers; must not depend on the run.
    """
    owner = PartitionId(segment.topic, segment.topic_id, segment.partition)
    sidecar = {name: table for name, table in small_tables.items() if table.num_rows}
    filled = {name: table for name, table in segment.rows.items() if table.num_rows}
    limit = MAX_FILES - bool(sidecar)
    for at, (dataset, table) in enumerate(filled.items()):
        share = max(1, (limit - at) // (len(filled) - at))
        for folder, part in _placed(table, layouts[dataset], share):
            yield _data_file(segment, owner, dataset, folder, part, layouts[dataset], footer)
            limit -= 1
    if sidecar:
        yield _sidecar_file(segment, owner, sidecar, footer)


def small_tables(body: bytes) -> dict[str, pa.Table]:
    """Returns the small tables that ride in a sidecar file's bytes."""
    packed = pq.read_table(pa.BufferReader(body))
    return {row["table"]: pa.ipc.open_stream(row["rows"]).read_all() for row in packed.to_pylist()}


def layout_of(schema: pa.Schema) -> str:
    """Returns a fingerprint of the columns' names, order and types, as Parquet keeps them."""
    text = ";".join(f"{f.name}:{_type_text(f.type)}:{f.nullable}" for f in schema)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _type_text(kind: pa.DataType) -> str:
    # Parquet renames the items of lists and widens the indices of dictionaries: a file that is
    # read back must have the fingerprint that it was written with.
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{_type_text(kind.value_type)}:{kind.value_field.nullable}>"
    if pa.types.is_struct(kind):
        return f"struct<{layout_of(pa.schema(list(kind)))}>"
    if pa.types.is_dictionary(kind):
        return f"dictionary<{_type_text(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{_type_text(kind.key_type)},{_type_text(kind.item_type)}>"
    return str(kind)


def _placed(table: pa.Table, layout: DatasetLayout, limit: int) -> list[tuple[str, pa.Table]]:
    """Cuts a table by folder; the order of rows within each is kept."""
    days = _days(table, layout.event_time)
    systems = _systems(table, layout)
    keys = days * (len(layout.source_systems) + 1) + systems
    values, counts = np.unique(keys, return_counts=True)
    if len(values) > limit:
        keys = _merge_oldest(keys, values, limit)
        values, counts = np.unique(keys, return_counts=True)
    if len(values) == 1:
        return [(_folder(int(values[0]), layout), table)]
    order = np.argsort(keys, kind="stable")
    ends = np.cumsum(counts)
    return [
        (_folder(int(value), layout), table.take(pa.array(order[end - count : end])))
        for value, count, end in zip(values, counts, ends, strict=True)
    ]


#: Days before this are taken for "no date": year 1 in days since 1970.
_NO_DAY: Final = -719_163


def _days(table: pa.Table, event_time: str) -> np.ndarray[Any, Any]:
    column = table.column(event_time)
    ticks = column.cast(pa.int64()).fill_null(0).to_numpy()
    days = np.floor_divide(ticks, _DAY_S * _TICKS[column.type.unit]).astype(np.int64)
    # A date that no four-digit year can name has no folder of its own.
    nameless = (days <= _NO_DAY) | (days > 2_932_896) | np.asarray(pc.is_null(column))
    return np.where(nameless, _NO_DAY, days)


def _systems(table: pa.Table, layout: DatasetLayout) -> np.ndarray[Any, Any]:
    """Returns the number of each row's source system in the allow-list; its length for others."""
    others = len(layout.source_systems)
    if not others:
        return np.zeros(table.num_rows, dtype=np.int64)
    listed = pa.array(layout.source_systems, pa.string())
    found = pc.index_in(table.column("source_system").cast(pa.string()), value_set=listed)
    return np.asarray(found.fill_null(others).to_numpy(), dtype=np.int64)


def _merge_oldest(
    keys: np.ndarray[Any, Any], values: np.ndarray[Any, Any], limit: int
) -> np.ndarray[Any, Any]:
    """Gives the oldest folders one common key, so that ``limit`` remain."""
    newest = values[len(values) - (limit - 1) :] if limit > 1 else values[:0]
    return np.where(np.isin(keys, newest), keys, _SHARED)


#: The key of the folder that old dates share; below every real one.
_SHARED: Final = np.iinfo(np.int64).min


def _folder(key: int, layout: DatasetLayout) -> str:
    width = len(layout.source_systems) + 1
    day, system = divmod(key, width)
    date = NO_DATE if key == _SHARED or day <= _NO_DAY else str(np.datetime64(day, "D"))
    if not layout.source_systems:
        return f"event_date={date}"
    known = key != _SHARED and system < len(layout.source_systems)
    return f"event_date={date}/source_system={layout.source_systems[system] if known else NO_DATE}"


def _data_file(
    segment: Segment,
    owner: PartitionId,
    dataset: str,
    folder: str,
    table: pa.Table,
    layout: DatasetLayout,
    footer: Mapping[str, str],
) -> Built:
    offsets = column_values(table, "_offset")
    # The event-time column is named, so that a reader needs no configuration to check the folder.
    body = _parquet(table, {**footer, "dataset": dataset, "event_time": layout.event_time})
    sha256 = hashlib.sha256(body).hexdigest()
    return Built(
        DataFile(
            dataset=dataset,
            key=data_key(owner, dataset, folder, segment.start, segment.end, sha256),
            rows=table.num_rows,
            bytes=len(body),
            sha256=sha256,
            offsets=(int(offsets[0]), int(offsets[-1])),
            event_time=time_range(table, layout.event_time),
            layout=layout_of(table.schema),
        ),
        body,
    )


def _sidecar_file(
    segment: Segment, owner: PartitionId, tables: Mapping[str, pa.Table], footer: Mapping[str, str]
) -> Built:
    packed = pa.table(
        {
            "table": pa.array(list(tables), pa.string()),
            "rows": pa.array([_ipc(table) for table in tables.values()], pa.large_binary()),
        }
    )
    body = _parquet(packed, {**footer, "dataset": SIDECAR})
    sha256 = hashlib.sha256(body).hexdigest()
    return Built(
        DataFile(
            dataset=SIDECAR,
            key=data_key(owner, SIDECAR, "", segment.start, segment.end, sha256),
            rows=packed.num_rows,
            bytes=len(body),
            sha256=sha256,
            offsets=(segment.start, segment.end - 1),
            layout=layout_of(packed.schema),
            tables={name: table.num_rows for name, table in tables.items()},
        ),
        body,
    )


def time_range(table: pa.Table, column: str) -> tuple[int, int] | None:
    """Returns the first and last time of a timestamp column in microseconds; None if none has."""
    both = pc.min_max(table.column(column).cast(pa.int64())).as_py()
    ticks = _TICKS[table.schema.field(column).type.unit]
    if both["min"] is None:
        return None
    return _micros(both["min"], ticks), _micros(both["max"], ticks)


def _micros(value: int, ticks: int) -> int:
    # Python's integers don't overflow, but a commit's do.
    return max(-(2**63), min(value * 10**6 // ticks, 2**63 - 1))


def _parquet(table: pa.Table, metadata: Mapping[str, str]) -> bytes:
    # Combined, so that the row groups, and with them the bytes, do not depend on how the table
    # was put together.
    whole = compact(table.combine_chunks()).replace_schema_metadata(
        {f"pharmabeam.{name}": value for name, value in sorted(metadata.items())}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(
        whole,
        sink,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=_repeating(whole),
        write_statistics=_ordered(whole.schema),
        row_group_size=ROW_GROUP_ROWS,
    )
    return bytes(sink.getvalue())


def _repeating(table: pa.Table) -> Sequence[str] | bool:
    """Returns the columns that a dictionary makes smaller, by the table's first rows.

    Where most values differ it only costs time. Measured on 49-column events: a quarter fewer bytes
    and a tenth less CPU than with dictionaries of enums and lineage alone.
    """
    head = table.slice(0, SAMPLE_ROWS)
    names = [f.name for f in table.schema if _repeats(head.column(f.name))]
    return names or False


def _ordered(schema: pa.Schema) -> Sequence[str] | bool:
    """Returns the columns whose least and greatest value rule a file out: numbers and times.

    Rows come as they happened, so the texts of any file span all stores, drugs and ids: their
    statistics help no reader, cost a fifth of the writing, and would show two ids in each footer.
    """
    kinds = (pa.types.is_primitive, pa.types.is_decimal)
    names = [f.name for f in schema if any(has(f.type) for has in kinds)]
    return names or False


def _repeats(sample: pa.ChunkedArray) -> bool:
    kind = sample.type
    if pa.types.is_dictionary(kind):
        return True
    if pa.types.is_nested(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return False
    return bool(2 * pc.count_distinct(sample, mode="all").as_py() <= len(sample))


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        # Taken, so copied: the padding of a slice's buffers would hold bytes of its neighbors.
        writer.write_table(table.take(pa.array(range(table.num_rows), pa.int64())).combine_chunks())
    return bytes(sink.getvalue())
