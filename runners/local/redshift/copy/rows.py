"""Parquet files as PostgreSQL's binary COPY, a batch at a time.

One file is on disk and one batch of it in memory, so memory doesn't grow with what is loaded.
"""

from collections.abc import Generator, Iterator, Sequence

import orjson
import pgpq
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runners.local.redshift.copy.client import Store
from runners.local.redshift.copy.columns import Column, arrow_type, check, spectrum_error
from runners.local.redshift.copy.manifest import SourceFile

__all__ = ["BinaryRows"]

# 8,192 rows of 1 kB are 8 MB of binary; more gains nothing.
_BATCH_ROWS = 8_192


class BinaryRows:
    """The rows of files in PostgreSQL's binary format.

    Args:
        store: where the files are.
        files: what to read, in order.
        columns: the target's columns, in the order of the files' columns.

    Attributes:
        count: rows given so far.
    """

    def __init__(
        self, store: Store, files: Sequence[SourceFile], columns: Sequence[Column]
    ) -> None:
        self._store = store
        self._sources = files
        self._columns = columns
        self.count = 0

    def chunks(self) -> Generator[bytes, None, None]:
        """Yields the rows.

        Raises:
            SqlError: a file doesn't fit the table, or a value doesn't fit its column.
        """
        schema = pa.schema([(column.name, arrow_type(column)) for column in self._columns])
        encoder = pgpq.ArrowToPostgresBinaryEncoder(schema)
        yield bytes(encoder.write_header())
        for file in self._sources:
            for batch in self._batches(file, schema):
                self.count += batch.num_rows
                yield bytes(encoder.write_batch(batch))
        yield bytes(encoder.finish())

    def _batches(self, source: SourceFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            with self._store.spooled(source.url) as path:
                yield from self._read(str(path), source.url, schema)
        except FileNotFoundError:
            raise spectrum_error(f"The S3 object does not exist: {source.url}") from None
        except pa.ArrowInvalid:
            # Arrow's own text may hold values.
            raise spectrum_error(f"File '{source.url}' is not valid Parquet") from None

    def _read(self, path: str, url: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(path, memory_map=True) as file:
            check(self._columns, file, url)
            for batch in file.iter_batches(_BATCH_ROWS):
                given = zip(self._columns, batch.columns, schema.types, strict=True)
                arrays = [_checked(column, array, kind, url) for column, array, kind in given]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _checked(column: Column, given: pa.Array, kind: pa.DataType, url: str) -> pa.Array:
    array = _as_json(given) if column.is_super else given.cast(kind)
    if column.required and array.null_count:
        text = f"Column {column.name} does not allow NULL values. File name: {url}"
        raise spectrum_error(text)
    longest = 0 if column.most_bytes is None else pc.max(pc.binary_length(array)).as_py() or 0
    if longest > (column.most_bytes or 0):
        raise spectrum_error(
            f"The length of the data column {column.name} is longer than the length defined in "
            f"the table. Table: {column.most_bytes}, Data: {longest}, File name: {url}"
        )
    return array


def _as_json(array: pa.Array) -> pa.Array:
    if not pa.types.is_list(array.type):
        return _each_as_json(array)
    # Most lists are empty: those take no look at each.
    told = pc.fill_null(pc.not_equal(pc.list_value_length(array), 0), True)
    empty = pa.repeat(pa.scalar("[]"), len(array))
    return pc.replace_with_mask(empty, told, _each_as_json(array.filter(told)))


def _each_as_json(array: pa.Array) -> pa.Array:
    values = (None if v is None else orjson.dumps(v).decode() for v in array.to_pylist())
    return pa.array(values, pa.string())
