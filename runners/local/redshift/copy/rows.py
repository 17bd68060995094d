"""Parquet files as PostgreSQL's binary COPY, a batch at a time.

One file is on disk and one batch of it in memory, so memory doesn't grow with what is loaded.
"""

import json
from collections.abc import Generator, Iterator, Sequence

import pgpq
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runners.local.redshift.copy.client import Store
from runners.local.redshift.copy.columns import Column, arrow_type, check, spectrum_error
from runners.local.redshift.copy.manifest import SourceFile
from runners.local.redshift.errors import SqlError

__all__ = ["BinaryRows"]

# 8,192 rows of 1 kB are 8 MB of binary; more gains nothing.
_BATCH_ROWS = 8_192


class BinaryRows:
    """The rows of files in PostgreSQL's binary format.

    Args:
        store: where the files are.
        files: what to read, in order.
        columns: the target's columns, in the order of the files' columns.
        fill: NULL for the last columns where a file lacks them.

    Attributes:
        count: rows given so far.
        bytes: bytes of the files read so far.
        files: files read so far.
    """

    def __init__(
        self, store: Store, files: Sequence[SourceFile], columns: Sequence[Column], *, fill: bool
    ) -> None:
        self._store = store
        self._sources = files
        self._columns = columns
        self._fill = fill
        self.count = 0
        self.bytes = 0
        self.files = 0

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
                self.bytes += path.stat().st_size
                self.files += 1
                yield from self._read(str(path), source.url, schema)
        except FileNotFoundError:
            raise spectrum_error(
                f"The S3 object does not exist: {source.url}", source.url
            ) from None
        except pa.ArrowInvalid:
            # Arrow's own text may hold values.
            raise spectrum_error(f"File '{source.url}' is not valid Parquet", source.url) from None

    def _read(self, path: str, url: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(path, memory_map=True) as file:
            check(self._columns, file, url, fill=self._fill)
            for batch in file.iter_batches(_BATCH_ROWS):
                arrays = [
                    self._array(column, batch, i, schema.field(i).type, url)
                    for i, column in enumerate(self._columns)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _array(
        self, column: Column, batch: pa.RecordBatch, at: int, kind: pa.DataType, url: str
    ) -> pa.Array:
        if at >= batch.num_columns:
            array = pa.nulls(batch.num_rows, kind)
        else:
            array = _as_json(batch.column(at)) if column.is_super else batch.column(at).cast(kind)
        if column.required and array.null_count:
            raise _null(column, url)
        if column.most_bytes is not None:
            longest = pc.max(pc.binary_length(array)).as_py() or 0
            if longest > column.most_bytes:
                raise _too_long(column, longest, url)
        return array


def _as_json(array: pa.Array) -> pa.Array:
    values = (
        None if v is None else json.dumps(v, separators=(",", ":")) for v in array.to_pylist()
    )
    return pa.array(values, pa.string())


def _null(column: Column, url: str) -> SqlError:
    text = f"Column {column.name} does not allow NULL values. File name: {url}"
    return spectrum_error(text, url, column)


def _too_long(column: Column, longest: int, url: str) -> SqlError:
    text = (
        f"The length of the data column {column.name} is longer than the length defined in the "
        f"table. Table: {column.most_bytes}, Data: {longest}, File name: {url}"
    )
    return spectrum_error(text, url, column)
