"""A lake in memory whose commits hold versions of things: code, price, and from when on."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import InlinePool, born
from transforms.avro.enforce import LINEAGE
from transforms.lake import CommitChain, DatasetLayout, PartitionId
from transforms.lake.lanes import Lane
from transforms.lake.writer import SegmentWriter
from transforms.segment import MESSAGES_SCHEMA, Segment

OWNER = PartitionId("ref.things", "ThInGs_1", 0)
ROOT = "s3://bucket/lake"
DATASET = "thing_ref"
COLUMNS = pa.schema(
    [
        pa.field("code", pa.string()),
        pa.field("price", pa.int64()),
        pa.field("effective_from", pa.timestamp("us", "UTC")),
    ]
)
SCHEMAS = {DATASET: COLUMNS}


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def rows(start, *things):
    """One row per thing: code, price, day of January 2026."""
    count = len(things)
    codes, prices, days = zip(*things, strict=True)
    lineage = {
        "_topic": [OWNER.topic] * count,
        "_topic_id": [OWNER.topic_id] * count,
        "_partition": [0] * count,
        "_offset": np.arange(start, start + count),
        "_row": [0] * count,
        "_timestamp": [day(1)] * count,
        "_schema_id": ["1"] * count,
    }
    schema = pa.schema([*LINEAGE, *COLUMNS])
    values = {
        **lineage,
        "code": list(codes),
        "price": list(prices),
        "effective_from": [number and day(number) for number in days],
    }
    return pa.table([pa.array(values[f.name]).cast(f.type) for f in schema], schema=schema)


def commit(bucket: FakeBucket, table: pa.Table, owner: PartitionId = OWNER) -> None:
    """Commits a table of rows as one segment; the first call makes the lake."""
    store = born(bucket, owner=owner)
    lane = Lane(CommitChain(store, owner, "lake-1"), InlinePool())
    lane.begin(0)
    offsets = table.column("_offset").to_numpy()
    end = int(offsets[-1]) + 1
    segment = Segment(
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=owner.partition,
        start=int(offsets[0]),
        end=end,
        messages=_messages(offsets),
        rows={DATASET: table},
    )
    layouts = {DATASET: DatasetLayout(event_time="effective_from")}
    SegmentWriter(layouts, (), "test").write(lane, segment)


def _messages(offsets):
    count = len(offsets)
    values = {
        "offset": offsets,
        "timestamp": [day(1)] * count,
        "key": [b"k"] * count,
        "value": [b"v"] * count,
        "headers": [None] * count,
    }
    arrays = [pa.array(values[f.name], f.type) for f in MESSAGES_SCHEMA]
    return pa.table(arrays, schema=MESSAGES_SCHEMA)
