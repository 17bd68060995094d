"""Segments to test with: all that they hold is a function of the offsets."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from transforms.lake import DatasetLayout
from transforms.lake.names import PartitionId
from transforms.segment import DEAD_LETTER, FILTERED, HEADERS_TYPE, MESSAGES_SCHEMA, Segment

OWNER = PartitionId("shop.events", "AbC-_123", 0)
DATASET = "events"
LAYOUTS = {DATASET: DatasetLayout(event_time="at")}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

ROWS_SCHEMA = pa.schema(
    [
        pa.field("_offset", pa.int64(), nullable=False),
        pa.field("_row", pa.int32(), nullable=False),
        pa.field("at", pa.timestamp("us", "UTC")),
        pa.field("text", pa.string()),
    ]
)


def messages(offsets: Iterable[int]) -> pa.Table:
    """Messages with a key, a value and a header each."""
    listed = list(offsets)
    return pa.table(
        [
            pa.array(listed, pa.int64()),
            pa.array([NOON + timedelta(seconds=o) for o in listed], pa.timestamp("ms", "UTC")),
            pa.array([b"key-%d" % o for o in listed], pa.binary()),
            pa.array([b"value-%d" % o for o in listed], pa.binary()),
            pa.array([[{"key": "h", "value": b"%d" % o}] for o in listed], HEADERS_TYPE),
        ],
        schema=MESSAGES_SCHEMA,
    )


def rows(offsets: Iterable[int], times: Sequence[datetime | None] | None = None) -> pa.Table:
    """One row per offset, all of one day unless ``times`` says otherwise."""
    listed = list(offsets)
    return pa.table(
        [
            pa.array(listed, pa.int64()),
            pa.array([0] * len(listed), pa.int32()),
            pa.array(
                times if times is not None else [NOON] * len(listed), ROWS_SCHEMA.field(2).type
            ),
            pa.array([f"row {o}" for o in listed], pa.string()),
        ],
        schema=ROWS_SCHEMA,
    )


def raw_segment(
    start: int, end: int, offsets: Iterable[int] | None = None, owner: PartitionId = OWNER
) -> Segment:
    """A segment as the reader gives it: messages, no rows yet."""
    return Segment(
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=owner.partition,
        start=start,
        end=end,
        messages=messages(range(start, end) if offsets is None else offsets),
    )


def with_verdicts(segment: Segment, dead: Iterable[int] = (), gone: Iterable[int] = ()) -> Segment:
    """Rows for all messages but the ``dead`` and the ``gone`` (filtered) ones."""
    table = rows(segment.offsets.tolist())
    held = Segment(**{**vars(segment), "rows": {DATASET: table}})
    read = set(segment.offsets.tolist())
    for disposition, listed in ((DEAD_LETTER, dead), (FILTERED, gone)):
        chosen = np.array(sorted(read & set(listed)), np.int64)
        held = held.dispose(disposition, chosen, ["because"] * len(chosen))
    return held


def segment(start: int, end: int, offsets: Iterable[int] | None = None) -> Segment:
    """A segment all of whose messages are accepted."""
    return with_verdicts(raw_segment(start, end, offsets))
