"""``Decoder``: batches of datums -> an Arrow table of the good rows, and the bad ones by name."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.arrow_types import arrow_schema
from schemas.columnar.arrays import Ints, Mask
from schemas.columnar.binary import copy_slices, data_of, edges_of
from schemas.columnar.cursor import Bytes
from schemas.columnar.plan import lock_step
from schemas.columnar.projection import Columns, compile_columns
from schemas.columnar.rows import build_array
from schemas.errors import DatumError
from schemas.model import AvroSchema
from schemas.resolution import RecordPlan, resolve
from schemas.strict import raw_decoder, verdict

_LOG = logging.getLogger(__name__)

# A lock-step call costs about 2 ms whatever its size, so smaller batches are quicker one by one.
MIN_ROWS = 100
# Larger batches fall out of the processor's cache.
MAX_ROWS = 8192
# Offsets into a batch are 32 bits wide, and a batch is copied once: this bounds the copy.
MAX_BYTES = 64 << 20
_FEW_ROWS = 64


@dataclass(frozen=True, slots=True)
class BadDatum:
    """One datum that is not in the table.

    Attributes:
        index: Its place in the call.
        code: What is wrong, one of ``schemas.strict.CODES``.
        field: Dotted path of the field where it shows; empty for the whole datum.
    """

    index: int
    code: str
    field: str


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """What became of the datums of one call.

    Attributes:
        table: The good rows in the order of the call; columns of ``arrow_schema(reader)``, in
            chunks of up to 8,192 rows.
        good: int64 array: for each row of the table, its place in the call; ascending.
        bad: The other datums, ascending.
    """

    table: pa.Table
    good: Ints
    bad: tuple[BadDatum, ...]


class Decoder:
    """Decodes datums of one writer schema for one reader schema. Picklable.

    Guarantees:
        Whether a datum is good, its row, and the code and field of a bad one depend on its bytes
        and the two schemas alone, never on its neighbours or the size of the batch.
    """

    def __init__(self, writer: AvroSchema, reader: AvroSchema) -> None:
        """Compiles what is not compiled yet.

        Args:
            writer: The schema that the datums were written with; any, even a recursive one.
            reader: The schema of the table.

        Raises:
            IncompatibleSchemaError: No datum of the writer can be read by the reader.
            SchemaParseError: No table can hold values of the reader.
        """
        self.writer = writer
        self.reader = reader
        self._schema = arrow_schema(reader)
        self._strict = raw_decoder(writer, reader)
        self._lock_step = lock_step(writer)
        self._project = _projection(writer, reader)
        self._warned = False

    def decode(self, buffer: Any, starts: Ints, ends: Ints) -> DecodedBatch:
        """Decodes datums that lie in one buffer.

        Args:
            buffer: Bytes-like, or an array of uint8.
            starts: int64 array: where each datum begins, behind its wire header.
            ends: int64 array: where each datum ends.

        Returns:
            The table of the good rows, and the bad rows with their reasons.

        Raises:
            ValueError: A range does not lie in the buffer.
        """
        data = np.frombuffer(buffer, np.uint8)
        _check_ranges(data, starts, ends)
        batches, good = [], []
        bad: list[BadDatum] = []
        for at, stop in _chunks(starts, ends):
            batch, good_here, bad_here = self._chunk(data, starts[at:stop], ends[at:stop])
            batches.append(batch)
            good.append(good_here + at)
            bad.extend(BadDatum(at + i, e.code, e.field) for i, e in bad_here)
        table = pa.Table.from_batches(batches, self._schema)
        return DecodedBatch(table, np.concatenate([np.empty(0, np.int64), *good]), tuple(bad))

    def __reduce__(self) -> tuple[Any, ...]:
        return Decoder, (self.writer, self.reader)

    def _chunk(self, data: Bytes, starts: Ints, ends: Ints) -> "_Chunk":
        if self._lock_step is None or len(starts) < MIN_ROWS:
            return self._by_row(data, starts, ends)
        try:
            columns, ok = self._in_lock_step(data, starts, ends)
        except Exception as error:  # noqa: BLE001 - a defect here may cost speed, never data
            self._warn(error)
            return self._by_row(data, starts, ends)
        batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        if ok.all():
            return batch, np.arange(len(starts), dtype=np.int64), []
        return self._second_look(batch, ok, data, starts, ends)

    def _in_lock_step(self, data: Bytes, starts: Ints, ends: Ints) -> tuple[list[pa.Array], Mask]:
        assert self._lock_step is not None
        columns, ok = self._lock_step.read(*_joined(data, starts, ends))
        if self._project is not None:
            columns, wrong = self._project(columns, len(starts))
            ok = ok if wrong is None else ok & ~wrong
        return columns, ok

    def _second_look(
        self, batch: pa.RecordBatch, ok: Mask, data: Bytes, starts: Ints, ends: Ints
    ) -> "_Chunk":
        """Asks the strict path about the rows that lock-step marked."""
        marked = np.flatnonzero(~ok)
        extra, saved, bad = self._by_row(data, starts[marked], ends[marked])
        bad = [(int(marked[i]), e) for i, e in bad]
        batch, good = _without(batch, marked, ok), np.flatnonzero(ok)
        if len(saved):
            good = np.concatenate([good, marked[saved]])
            order = np.argsort(good)
            table = pa.Table.from_batches([batch, extra]).take(pa.array(order)).combine_chunks()
            batch, good = table.to_batches()[0], good[order]
        return batch, good, bad

    def _by_row(self, data: Bytes, starts: Ints, ends: Ints) -> "_Chunk":
        rows, good, bad = [], [], []
        for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            value, error = verdict(self._strict, data[start:end].tobytes())
            if error is None:
                rows.append(value)
                good.append(index)
            else:
                bad.append((index, error))
        columns = [
            build_array(f.node, [row[i] for row in rows]) for i, f in enumerate(self.reader.fields)
        ]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return batch, np.array(good, np.int64), bad

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            # The type only: a message may quote a value.
            _LOG.warning(
                "the columnar decoder failed with %s on %s; such batches are decoded row by row, "
                "slowly but exactly; please report it",
                type(error).__name__,
                self.writer,
            )


# A batch of rows, their places in the chunk, and the bad places with their errors.
_Chunk = tuple[pa.RecordBatch, Ints, list[tuple[int, DatumError]]]


@lru_cache(512)
def _projection(writer: AvroSchema, reader: AvroSchema) -> Columns | None:
    """The steps from the writer's columns to the reader's; None where there is nothing to do."""
    if writer == reader or lock_step(writer) is None:
        return None
    plan = resolve(writer, reader)
    assert isinstance(plan, RecordPlan)
    return compile_columns(plan)


def _without(batch: pa.RecordBatch, rows: Ints, rest: Mask) -> pa.RecordBatch:
    """Leaves rows out. A few are cheaper to cut out than to ask about each of the others."""
    if len(rows) > _FEW_ROWS:
        return batch.filter(pa.array(rest))
    edges = [-1, *rows.tolist(), len(rest)]
    return pa.concat_batches([batch.slice(a + 1, b - a - 1) for a, b in pairwise(edges)])


def _check_ranges(data: Bytes, starts: Ints, ends: Ints) -> None:
    if len(starts) != len(ends):
        raise ValueError("starts and ends must have one length")
    if len(starts) and ((starts < 0).any() or (starts > ends).any() or int(ends.max()) > len(data)):
        raise ValueError("a range of a datum does not lie in the buffer")


def _chunks(starts: Ints, ends: Ints) -> Iterator[tuple[int, int]]:
    """Splits by rows and by bytes; a datum larger than the limit stands alone."""
    sizes = np.concatenate(([0], np.cumsum(ends - starts)))
    at = 0
    while at < len(starts):
        fits = int(np.searchsorted(sizes, sizes[at] + MAX_BYTES, side="right")) - 1
        stop = max(at + 1, min(at + MAX_ROWS, fits))
        yield at, stop
        at = stop


def _joined(data: Bytes, starts: Ints, ends: Ints) -> tuple[Bytes, Ints, Ints]:
    """The part of the buffer that holds the datums, with none overlapping, in ascending order."""
    first, last = int(starts[0]), int(ends[-1])
    edges = np.concatenate(([0], np.cumsum(ends - starts)))
    ascending = bool((starts[1:] >= ends[:-1]).all())
    if ascending and last - first <= 2 * int(edges[-1]) + 4096:
        return data[first:last], starts - first, ends - first
    if ascending and last - first < 1 << 31:
        # Datums of another schema lie between them.
        view = pa.py_buffer(data[first:last])
        joined = data_of(copy_slices(view, edges_of(starts - first, ends - first)))
    else:
        pieces = zip(starts.tolist(), ends.tolist(), strict=True)
        copied = b"".join([data[start:end].tobytes() for start, end in pieces])
        joined = np.frombuffer(copied, np.uint8)
    return joined, edges[:-1], edges[1:]
