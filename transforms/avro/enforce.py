"""Messages -> typed rows, or dead letters: the plain function behind ``EnforceSchema``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columnar import Decoder
from schemas.errors import IncompatibleSchemaError
from schemas.model import AvroSchema
from schemas.wire import WireFormat, WireGroup, split
from transforms.avro.registry import WriterSchemas
from transforms.crash_points import crash_at_offset
from transforms.segment import DEAD_LETTER, FILTERED, Segment, one_array
from transforms.topics import TopicName

TOMBSTONE: Final = "tombstone"
UNKNOWN_SCHEMA: Final = "unknown_schema_id"
INCOMPATIBLE_SCHEMA: Final = "incompatible_schema"

#: The columns that come before a dataset's own, in every table of every dataset.
LINEAGE: Final = pa.schema(
    [
        pa.field("_topic", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("_topic_id", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("_partition", pa.int32(), nullable=False),
        pa.field("_offset", pa.int64(), nullable=False),
        pa.field("_row", pa.int32(), nullable=False),
        pa.field("_timestamp", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("_schema_id", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class TopicContract:
    """What a topic carries, or all topics that match a pattern.

    Attributes:
        topic: Topic name; empty where there is a pattern.
        pattern: Expression that the whole names of topics match; see ``TopicName``.
        dataset: The dataset that its rows belong to.
        reader: The schema that every message is resolved to.
        wire_format: How messages name their writer schema.
    """

    topic: str = ""
    pattern: str = ""
    dataset: str
    reader: AvroSchema
    wire_format: WireFormat = WireFormat.CONFLUENT

    @property
    def name(self) -> TopicName:
        """The topics that it is for.

        Raises:
            ConfigurationError: It has neither topic nor pattern, or both.
        """
        return TopicName(topic=self.topic, pattern=self.pattern)


class SchemaPlan:
    """Decodes the messages of one contract's topics. Decoders are made once per writer schema."""

    def __init__(self, contract: TopicContract, writers: WriterSchemas) -> None:
        self.contract = contract
        self._writers = writers
        self._decoders: dict[str, Decoder | None] = {}

    def decoder(self, schema_id: str, newest_ms: int) -> Decoder | str:
        """Returns the decoder for a writer's schema id, or the reason why there is none."""
        if schema_id not in self._decoders:
            writer = self._writers.find(schema_id, newest_ms)
            if writer is None:
                return UNKNOWN_SCHEMA
            self._decoders[schema_id] = _decoder(writer, self.contract.reader)
        return self._decoders[schema_id] or INCOMPATIBLE_SCHEMA


def _decoder(writer: AvroSchema, reader: AvroSchema) -> Decoder | None:
    try:
        return Decoder(writer, reader)
    except IncompatibleSchemaError:
        return None


def enforce(segment: Segment, plan: SchemaPlan) -> Segment:
    """Decodes a segment's messages to the rows of the topic's dataset.

    A message without a value (tombstone) is ``filtered``; one that doesn't decode is a dead letter
    with the code and the field at fault, and never disturbs its neighbors. Each verdict depends on
    the message alone.

    Raises:
        RetryableError: The registry is down.
    """
    crash_at_offset("decode.offset", segment.offsets)
    # One copy of the bytes of a segment: far cheaper than decoding it in pieces.
    batch = split(one_array(segment.messages.column("value")), plan.contract.wire_format)
    verdicts = _Verdicts()
    for bad in batch.bad:
        verdicts.add([bad.row], bad.code)
    tables, rows, ids = [], [], []
    stamps = np.asarray(segment.messages.column("timestamp").cast(pa.int64()).to_numpy())
    for group in batch.groups:
        table, good = _decoded(group, plan, int(stamps[group.rows].max()), verdicts)
        if len(good):
            tables.append(table)
            rows.append(good)
            ids.append(group.schema_id)
    dataset = plan.contract.dataset
    reader = plan.contract.reader
    done = replace(
        segment,
        rows={**segment.rows, **({dataset: _lined_up(segment, tables, rows, ids)} if rows else {})},
        versions={**segment.versions, f"schema.{dataset}": f"{reader.fingerprint:016x}"},
    )
    tombstones = segment.offsets[np.asarray(pc.is_null(segment.messages.column("value")))]
    done = done.dispose(FILTERED, tombstones, [TOMBSTONE] * len(tombstones))
    return verdicts.disposed(done)


class _Verdicts:
    """Collects the dead letters of a segment: row, reason, field, schema id."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.reasons: list[str] = []
        self.fields: list[str] = []
        self.schema_ids: list[str | None] = []

    def add(
        self, rows: Sequence[int], reason: str, field: str = "", schema_id: str | None = None
    ) -> None:
        self.rows.extend(int(row) for row in rows)
        self.reasons.extend([reason] * len(rows))
        self.fields.extend([field] * len(rows))
        self.schema_ids.extend([schema_id] * len(rows))

    def disposed(self, segment: Segment) -> Segment:
        offsets = segment.offsets[np.asarray(self.rows, dtype=np.int64)]
        return segment.dispose(DEAD_LETTER, offsets, self.reasons, self.fields, self.schema_ids)


def _decoded(
    group: WireGroup, plan: SchemaPlan, newest_ms: int, verdicts: _Verdicts
) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """Returns the good rows of a group and which messages they are."""
    decoder = plan.decoder(group.schema_id, newest_ms)
    if isinstance(decoder, str):
        verdicts.add(group.rows.tolist(), decoder, schema_id=group.schema_id)
        return None, np.empty(0, np.int64)
    decoded = decoder.decode(group.buffer, group.starts, group.ends)
    for bad in decoded.bad:
        verdicts.add([group.rows[bad.index]], bad.code, bad.field, group.schema_id)
    return decoded.table, group.rows[decoded.good]


def _lined_up(
    segment: Segment, tables: list[pa.Table], rows: list[np.ndarray[Any, Any]], ids: list[str]
) -> pa.Table:
    """Puts the groups together in offset order, behind the lineage columns."""
    order = np.concatenate(rows)
    schema_of = np.repeat(np.arange(len(ids), dtype=np.int32), [len(each) for each in rows])
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables).unify_dictionaries()
    if len(tables) > 1:
        # Mixed writer schemas must not make small files: decoded apart, written together.
        sorting = np.argsort(order, kind="stable")
        table, order, schema_of = table.take(sorting), order[sorting], schema_of[sorting]
    return _with_lineage(segment, table, order, pa.DictionaryArray.from_arrays(schema_of, ids))


def _with_lineage(
    segment: Segment, table: pa.Table, rows: np.ndarray[Any, Any], schema_ids: pa.Array
) -> pa.Table:
    count = len(rows)
    zeros = np.zeros(count, dtype=np.int32)
    lineage = [
        pa.DictionaryArray.from_arrays(zeros, [segment.topic]),
        pa.DictionaryArray.from_arrays(zeros, [segment.topic_id]),
        pa.array(np.full(count, segment.partition, dtype=np.int32)),
        pa.array(segment.offsets[rows]),
        pa.array(zeros),
        segment.messages.column("timestamp").take(pa.array(rows)),
        schema_ids,
    ]
    return pa.table(
        [*lineage, *table.columns], schema=pa.schema([*LINEAGE, *table.schema], metadata=None)
    )
