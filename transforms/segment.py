"""The segment: a contiguous offset range of one topic-partition, with what became of each message.

It is the unit of everything between Kafka and the lake. Transforms are plain functions
``Segment -> Segment`` on whole Arrow tables; the hot path never handles one message in Python.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.coders import Coder
from apache_beam.coders.typecoders import registry as coder_registry

from transforms import errors
from transforms.errors import PipelineError, SegmentError

#: The four ends of a message. ``accepted`` is what remains, so it is never written down.
ACCEPTED: Final = "accepted"
DEAD_LETTER: Final = "dead_letter"
PARKED: Final = "parked"
FILTERED: Final = "filtered"
DISPOSITIONS: Final = (ACCEPTED, DEAD_LETTER, PARKED, FILTERED)

HEADERS_TYPE: Final = pa.list_(
    pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.binary())])
)

#: The messages as the broker gave them, in offset order. ``timestamp`` is the broker's.
MESSAGES_SCHEMA: Final = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("headers", HEADERS_TYPE),
    ]
)

#: One row per message that is not accepted.
DISPOSED_SCHEMA: Final = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("disposition", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("schema_id", pa.string()),
    ]
)

#: One row per rule that a message trips, whatever the rule's severity and the message's end.
FINDINGS_SCHEMA: Final = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("source_system", pa.string(), nullable=False),
    ]
)

#: So begin the names of versions that are check values of keys: the chain of commits refuses others
#: under a name that it knows.
KEY_CHECK: Final = "key."

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A contiguous range of one topic-partition and all that came of it.

    Attributes:
        topic: The topic's name.
        topic_id: Kafka's id of the topic: a topic made again under the same name has another.
        partition: The partition's number.
        start: First offset that the segment accounts for.
        end: Offset after the last one. Offsets have holes (compaction, aborted transactions,
            transaction markers), so a segment may hold fewer messages than ``end - start``.
        messages: Table of ``MESSAGES_SCHEMA``, one row per message read, in offset order.
        gaps: Ranges within the segment that the broker had deleted before they could be read.
        disposed: Table of ``DISPOSED_SCHEMA``: the messages that are not accepted.
        rows: Per dataset a table whose first columns are the lineage; each row has ``_offset`` and
            ``_row`` (one message may become several rows), in that order.
        findings: Table of ``FINDINGS_SCHEMA``, by offset: the rules that messages trip. They
            outlive the rows of dead letters, so that the sink can count them after trimming.
        versions: What the verdicts depend on (schemas, rules, policy), for the commit.
        failure: An outage or refusal that a transform met: the later ones pass the segment on, the
            sink writes nothing and stops the partition, and the other partitions go on.
    """

    topic: str
    topic_id: str
    partition: int
    start: int
    end: int
    messages: pa.Table
    gaps: tuple[Range, ...] = ()
    disposed: pa.Table = field(default_factory=DISPOSED_SCHEMA.empty_table)
    rows: Mapping[str, pa.Table] = field(default_factory=dict)
    findings: pa.Table = field(default_factory=FINDINGS_SCHEMA.empty_table)
    versions: Mapping[str, str] = field(default_factory=dict)
    failure: PipelineError | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, for Beam's estimates and for memory budgets."""
        tables = (self.messages, self.disposed, self.findings, *self.rows.values())
        return sum(table.nbytes for table in tables)

    @property
    def offsets(self) -> np.ndarray[Any, Any]:
        """Offsets of the messages read, ascending, int64."""
        return column_values(self.messages, "offset")

    def accepted(self) -> np.ndarray[Any, Any]:
        """Offsets of the messages that no transform disposed of, ascending, int64."""
        gone = column_values(self.disposed, "offset")
        return np.setdiff1d(self.offsets, gone, assume_unique=True) if len(gone) else self.offsets

    def dispose(
        self,
        disposition: str,
        offsets: np.ndarray[Any, Any],
        reasons: Sequence[str],
        fields: Sequence[str] | None = None,
        schema_ids: Sequence[str | None] | None = None,
    ) -> "Segment":
        """Returns the segment with some messages disposed of, and their rows removed.

        Args:
            disposition: ``DEAD_LETTER``, ``PARKED`` or ``FILTERED``.
            offsets: Offsets of messages that have no disposition yet.
            reasons: A code for each; never a value.
            fields: The dotted path of the field at fault for each, or empty text.
            schema_ids: The writer schema's id for each, where known.
        """
        if not len(offsets):
            return self
        count = len(offsets)
        added = pa.table(
            [
                pa.array(offsets, pa.int64()),
                pa.array([disposition] * count, pa.string()),
                pa.array(reasons, pa.string()),
                pa.array(fields if fields is not None else [""] * count, pa.string()),
                pa.array(schema_ids if schema_ids is not None else [None] * count, pa.string()),
            ],
            schema=DISPOSED_SCHEMA,
        )
        disposed = pa.concat_tables([self.disposed, added]).sort_by("offset")
        rows = {name: _without(table, offsets) for name, table in self.rows.items()}
        return replace(self, disposed=disposed, rows=rows)

    def with_rows(self, dataset: str, table: pa.Table) -> "Segment":
        """Returns the segment with other rows of a dataset."""
        return replace(self, rows={**self.rows, dataset: table})

    def slice(self, start: int, end: int) -> "Segment":
        """Returns the part of the segment within ``[start, end)``: tables and lists cut by offset.

        Raises:
            SegmentError: The range is not within the segment.
        """
        if not self.start <= start <= end <= self.end:
            raise SegmentError(f"cut [{start}, {end}) is not within {self}")
        return replace(
            self,
            start=start,
            end=end,
            messages=_within(self.messages, "offset", start, end),
            gaps=clip(self.gaps, start, end),
            disposed=_within(self.disposed, "offset", start, end),
            rows={name: _within(table, "_offset", start, end) for name, table in self.rows.items()},
            findings=_within(self.findings, "offset", start, end),
        )

    def check(self) -> None:
        """Checks the invariants that the sink relies on.

        Raises:
            SegmentError: Messages are not in order and in range; a message has two dispositions; or
                the rows' offsets are not exactly the accepted ones. Counts only, no values.
        """
        offsets = self.offsets
        if len(offsets) and not (
            self.start <= offsets[0]
            and offsets[-1] < self.end
            and bool(np.all(np.diff(offsets) > 0))
        ):
            raise SegmentError(f"offsets are out of order or range in {self}")
        gone = column_values(self.disposed, "offset")
        if len(np.unique(gone)) != len(gone) or not np.all(np.isin(gone, offsets)):
            raise SegmentError(f"a message is disposed of twice, or was never read, in {self}")
        self._check_rows()

    def _check_rows(self) -> None:
        parts = [column_values(table, "_offset") for table in self.rows.values()]
        held = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
        accepted = self.accepted()
        if len(held) == len(accepted) and bool(np.all(held == accepted)):
            return
        missing = len(np.setdiff1d(accepted, held))
        extra = len(np.setdiff1d(held, accepted))
        raise SegmentError(
            f"{missing} accepted messages have no row and {extra} others have one in {self}",
            "A transform that drops rows must return them as filtered, with a reason",
        )

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] {self.start}-{self.end}"

    __repr__ = __str__  # A table's repr shows values: none may reach a log.


def join(parts: Sequence[Segment]) -> Segment:
    """Puts adjoining segments of one partition together again, as they were cut.

    Raises:
        SegmentError: The parts don't adjoin.
    """
    first = parts[0]
    for left, right in itertools.pairwise(parts):
        if left.end != right.start:
            raise SegmentError(f"{left} and {right} don't adjoin")
    names = list(dict.fromkeys(name for part in parts for name in part.rows))
    return replace(
        first,
        end=parts[-1].end,
        messages=pa.concat_tables([part.messages for part in parts]),
        gaps=_merged(gap for part in parts for gap in part.gaps),
        disposed=pa.concat_tables([part.disposed for part in parts]),
        rows={name: _stacked([p.rows[name] for p in parts if name in p.rows]) for name in names},
        findings=pa.concat_tables([part.findings for part in parts]),
        versions={k: v for part in parts for k, v in part.versions.items()},
    )


def column_values(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """Returns a column without nulls as a numpy array."""
    return np.asarray(table.column(name).to_numpy())


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Returns a column as one array: its only chunk as it is, several ones copied together."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def clip(ranges: Sequence[Range], start: int, end: int) -> tuple[Range, ...]:
    """Returns the parts of the ranges that lie within ``[start, end)``."""
    cut = ((max(a, start), min(b, end)) for a, b in ranges)
    return tuple((a, b) for a, b in cut if a < b)


def _merged(ranges: Iterator[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for start, end in ranges:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _within(table: pa.Table, column: str, start: int, end: int) -> pa.Table:
    """Cuts a table that is sorted by ``column``: a slice, no copy."""
    values = column_values(table, column)
    first, last = np.searchsorted(values, (start, end))
    return table.slice(int(first), int(last - first))


def _without(table: pa.Table, offsets: np.ndarray[Any, Any]) -> pa.Table:
    # Mostly none is there: what does not decode never had a row. Filtering 50 columns for nothing
    # costs as much as decoding them.
    if not np.isin(column_values(table, "_offset"), offsets).any():
        return table
    found = pc.is_in(table.column("_offset"), value_set=pa.array(offsets, pa.int64()))
    return table.filter(pc.invert(found))


class SegmentCoder(Coder):  # type: ignore[misc]
    """Arrow IPC behind a JSON header.

    It is meant never to run: segments stay within one fused stage. It is registered all the same,
    because Beam estimates the size of each element on each edge, and without ``estimate_size`` it
    would pickle every segment just to measure it.
    """

    def encode(self, value: Segment) -> bytes:
        """Returns the segment as bytes: header length, header, then one IPC stream per table."""
        tables = [value.messages, value.disposed, value.findings, *value.rows.values()]
        bodies = [_to_ipc(table) for table in tables]
        header = orjson.dumps(
            {
                "topic": value.topic,
                "topic_id": value.topic_id,
                "partition": value.partition,
                "start": value.start,
                "end": value.end,
                "gaps": value.gaps,
                "versions": dict(value.versions),
                "rows": list(value.rows),
                "failure": _failure_parts(value.failure),
                "sizes": [len(body) for body in bodies],
            }
        )
        return b"".join([len(header).to_bytes(4, "big"), header, *bodies])

    def decode(self, encoded: bytes) -> Segment:
        """Returns the segment that ``encode`` wrote."""
        length = int.from_bytes(encoded[:4], "big")
        header = orjson.loads(encoded[4 : 4 + length])
        tables, at = [], 4 + length
        for size in header.pop("sizes"):
            tables.append(pa.ipc.open_stream(encoded[at : at + size]).read_all())
            at += size
        names = header.pop("rows")
        gaps = tuple((a, b) for a, b in header.pop("gaps"))
        failure = header.pop("failure")
        return Segment(
            **header,
            gaps=gaps,
            messages=tables[0],
            disposed=tables[1],
            findings=tables[2],
            rows=dict(zip(names, tables[3:], strict=True)),
            failure=_failure(*failure) if failure else None,
        )

    def estimate_size(self, value: Segment) -> int:
        """Returns the size of the segment's buffers, without encoding it."""
        return value.nbytes

    def is_deterministic(self) -> bool:
        """Segments are never keys."""
        return False


def _stacked(tables: Sequence[pa.Table]) -> pa.Table:
    # A quarantined part brings empty tables that lack the columns which the transform adds.
    filled = [table for table in tables if table.num_rows] or tables[-1:]
    return pa.concat_tables(filled)


def _failure_parts(failure: PipelineError | None) -> tuple[str, str, str] | None:
    return (type(failure).__name__, failure.what, failure.remedy) if failure else None


def _failure(kind: str, what: str, remedy: str) -> PipelineError:
    # The kind decides the exit code. One that is defined elsewhere becomes the base of all.
    made: PipelineError = getattr(errors, kind, PipelineError)(what, remedy)
    return made


def _to_ipc(table: pa.Table) -> bytes:
    # A slice keeps its parent's buffers alive; combining the chunks writes its own rows only.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


coder_registry.register_coder(Segment, SegmentCoder)
