"""Decoding by itself: with damaged messages, and the per-record way."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.catalog import packaged_dataset
from schemas.registries import open_registry
from tests.benchmarks.stage_clock import cpu_seconds
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA, Segment

BATCH = 50_000


def decode_rate(values: list[bytes], share_bad: float, seed: int = 1) -> float:
    """Returns events per CPU second of decoding, with a share of the messages damaged."""
    rng = np.random.default_rng(seed)
    damaged = list(values)
    for i in np.flatnonzero(rng.random(len(values)) < share_bad):
        damaged[i] = damaged[i][: 6 + int(rng.integers(0, len(damaged[i]) - 6))]
    segment = segment_of(damaged)
    plan = dispense_plan("bench")
    enforce(segment.slice(0, 1000), plan)  # Compiles the plan.
    return _rate(len(values), lambda: enforce(segment, plan))


def per_record_rate(values: list[bytes]) -> float:
    """Returns events per CPU second of the usual way: fastavro a record, dicts, then Parquet."""
    schema = fastavro.parse_schema(packaged_dataset("dispense_event").reader.json)

    def decoded() -> None:
        for at in range(0, len(values), BATCH):
            rows: list[Any] = [
                fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)
                for value in values[at : at + BATCH]
            ]
            for row in rows:
                row["event_id"] = str(row["event_id"])
            table = pa.Table.from_pylist(rows)
            pq.write_table(table, pa.BufferOutputStream(), compression="zstd", compression_level=1)

    return _rate(len(values), decoded)


def dispense_plan(topic: str) -> SchemaPlan:
    """Returns what decodes a topic of dispense events."""
    reader = packaged_dataset("dispense_event").reader
    contract = TopicContract(topic=topic, dataset="dispense_event", reader=reader)
    return SchemaPlan(contract, WriterSchemas(open_registry("package:"), 1.0))


def segment_of(values: list[bytes]) -> Segment:
    """Returns values as a segment of messages."""
    count = len(values)
    messages = pa.table(
        {
            "offset": pa.array(np.arange(count)),
            "timestamp": pa.array(np.zeros(count, np.int64)).cast(pa.timestamp("ms", "UTC")),
            "key": pa.nulls(count, pa.binary()),
            "value": pa.array(values, pa.binary()),
        }
    )
    messages = messages.append_column("headers", pa.nulls(count, HEADERS_TYPE))
    return Segment(
        topic="bench",
        topic_id=hashlib.sha256(b"bench").hexdigest()[:22],
        partition=0,
        start=0,
        end=count,
        messages=messages.cast(MESSAGES_SCHEMA),
    )


def _rate(events: int, call: Callable[[], object]) -> float:
    began = cpu_seconds()
    call()
    return events / (cpu_seconds() - began)
