"""Every object below a lake's root, whether a commit names it or not, as searchable buffers."""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.canary.columns import column_texts
from beam_pipelines.canary.places import Buffer, Buffers, Place
from transforms.errors import RefusedError
from transforms.lake import ObjectStore
from transforms.lake.files import small_tables
from transforms.lake.names import COMMITS, DATA, LAKE, RUNS, SIDECAR

KEYS: Final = "object key"
DATA_FILE: Final = "data file"
SMALL_TABLES: Final = "small tables"
_KINDS: Final[Mapping[str, str]] = {COMMITS: "commit", RUNS: "run report", LAKE: "lake manifest"}


def lake_buffers(store: ObjectStore) -> Buffers:
    """Yields the lake's content: keys, objects as they are, and columns decoded.

    Objects as they are include what Parquet keeps beside the values: statistics and footers.
    """
    for info in store.walk(""):
        yield Buffer(Place(KEYS, info.key), info.key.encode())
        body = store.find(info.key)
        if body is not None:  # else it was swept meanwhile
            yield from _object_buffers(info.key, body)


def _object_buffers(key: str, body: bytes) -> Buffers:
    place = Place(_kind(key), key, dataset=_dataset(key))
    yield Buffer(place, body)
    for prefix, table in _tables(place, body).items():
        yield from table_buffers(place, table, prefix)


def _tables(place: Place, body: bytes) -> dict[str, pa.Table]:
    """The tables in an object, by what comes before their columns' names."""
    try:
        if place.kind == SMALL_TABLES:
            return {f"{name}.": table for name, table in small_tables(body).items()}
        if place.kind == DATA_FILE:
            return {"": pq.read_table(pa.BufferReader(body))}
    except pa.ArrowInvalid:
        # Arrow's words may show values.
        raise RefusedError(
            f"the object {place.name} is damaged, so it can't be searched", "Run verify"
        ) from None
    return {}


def table_buffers(place: Place, table: pa.Table, prefix: str = "") -> Buffers:
    """Yields the columns of a table that is a part of ``place``."""
    for name, data in column_texts(table):
        yield Buffer(Place(place.kind, place.name, prefix + name, place.dataset), data)


def _kind(key: str) -> str:
    if key.startswith(DATA) and key.endswith(".parquet"):
        return SMALL_TABLES if _dataset(key) == SIDECAR else DATA_FILE
    return next((kind for prefix, kind in _KINDS.items() if key.startswith(prefix)), "other object")


def _dataset(key: str) -> str:
    return key.split("/")[1] if key.startswith(DATA) else ""
