"""Orders to judge: each follows from its offset and what a test says of it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from tests.figures import counters
from tests.transforms.segments import messages
from transforms.avro.enforce import LINEAGE
from transforms.metrics import FINDINGS
from transforms.segment import Segment

DATASET = "orders"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
COLUMNS = pa.schema(
    [
        pa.field("event_time", pa.timestamp("us", "UTC")),
        pa.field("source_system", pa.string()),
        pa.field("amount", pa.int64()),
        pa.field("text", pa.string()),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
    ]
)
SCHEMAS = {DATASET: COLUMNS}


def order(offset, row=0, *, amount=1, text="1", kind="A", system="web", at=None):
    """One row."""
    return {
        "_offset": offset,
        "_row": row,
        "_timestamp": NOON + timedelta(seconds=offset),
        "event_time": at or NOON,
        "source_system": system,
        "amount": amount,
        "text": text,
        "kind": kind,
    }


@st.composite
def some_orders(draw, **values):
    """Orders of some messages, one or two of each; their values are drawn from strategies."""
    orders, offset = [], 0
    for _ in range(draw(st.integers(1, 12))):
        offset += draw(st.integers(1, 3))
        for row in range(draw(st.integers(1, 2))):
            drawn = {name: draw(strategy) for name, strategy in values.items()}
            orders.append(order(offset, row, **drawn))
    return orders


def by_message(orders, judge):
    """All that is said of the rows of each message, by offset."""
    found = {}
    for each in orders:
        found.setdefault(each["_offset"], set()).update(judge(each))
    return found


def table(orders):
    """The rows as ``EnforceSchema`` makes them."""
    constant = {"_topic": "t", "_topic_id": "id", "_partition": 0, "_schema_id": "7"}
    schema = pa.schema([*LINEAGE, *COLUMNS])
    rows = [{**constant, **each} for each in orders]
    return pa.table(
        [pa.array([r[f.name] for r in rows], _plain(f.type)).cast(f.type) for f in schema],
        schema=schema,
    )


def segment(orders, end=None):
    """A segment of accepted messages with these rows."""
    offsets = sorted({each["_offset"] for each in orders})
    return Segment(
        topic="t",
        topic_id="id",
        partition=0,
        start=0,
        end=end or (offsets[-1] + 1 if offsets else 0),
        messages=messages(offsets),
        rows={DATASET: table(orders)},
    )


def _plain(kind):
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def told(segment):
    """All that is told of a segment, as plain values: rows, ends, findings."""
    rows = {name: held.to_pylist() for name, held in segment.rows.items()}
    return rows, segment.disposed.to_pylist(), segment.findings.to_pylist()


def letters(segment):
    """The dead letters: offset, rule, field."""
    return [(d["offset"], d["reason"], d["field"]) for d in segment.disposed.to_pylist()]


def findings(segment):
    """The findings: offset, rule, severity."""
    return [(f["offset"], f["rule"], f["severity"]) for f in segment.findings.to_pylist()]


def counted(pipeline):
    """Runs a pipeline; returns its counters of findings."""
    result = pipeline.run()
    result.wait_until_finish()
    return counters(result, FINDINGS)


def cut(segment, points):
    """The segment in pieces."""
    edges = [segment.start, *sorted(set(points)), segment.end]
    inner = [int(np.clip(each, segment.start, segment.end)) for each in edges]
    return [segment.slice(a, b) for a, b in pairwise(inner)]
