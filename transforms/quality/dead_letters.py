"""Dead letters: what was not accepted, exactly as it came, sealed.

A dead letter holds the message byte for byte, so it may hold anything that a patient's record may
hold, wherever the producer's bug put it. Only what names its place and its fault stands in clear.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from transforms.errors import PipelineError
from transforms.quality.sealing import Seal
from transforms.secrets import resolve
from transforms.segment import DEAD_LETTER, PARKED, Segment

DEAD_LETTERS: Final = "dead_letters"

SCHEMA: Final = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("disposition", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("schema_id", pa.string()),
        pa.field("key_id", pa.string(), nullable=False),
        pa.field("sealed", pa.binary(), nullable=False),
    ]
)


class SealDeadLetters:
    """The table ``dead_letters`` of a segment: one row per dead letter or parked message.

    Args:
        key: Reference to the data key (32 bytes, Base64 or hexadecimal), resolved on the worker.
    """

    def __init__(self, key: str) -> None:
        self.name = DEAD_LETTERS
        self._key = key
        self._seal: Seal | None = None

    def setup(self) -> None:
        """Resolves the key.

        Raises:
            SecretError: The reference names no key of 32 bytes.
        """
        self._seal = Seal(resolve(self._key))

    def derive(self, segment: Segment) -> pa.Table:
        """Returns the sealed messages of a segment, in offset order.

        Raises:
            PipelineError: There are some, and ``setup`` was not called: they must not be dropped.
        """
        kept = pc.is_in(
            segment.disposed.column("disposition"), value_set=pa.array([DEAD_LETTER, PARKED])
        )
        disposed = segment.disposed.filter(kept)
        if not disposed.num_rows:
            return SCHEMA.empty_table()
        if self._seal is None:
            raise PipelineError("dead letters can't be sealed before setup", "Call setup() first")
        at = pc.index_in(disposed.column("offset"), value_set=segment.messages.column("offset"))
        messages = segment.messages.take(at)
        # Without the timestamp: a producer may send one that Python's calendar doesn't have.
        bodies = messages.select(["offset", "key", "value", "headers"]).to_pylist()
        sealed = [self._sealed(segment, row) for row in bodies]
        return pa.table(
            [
                disposed.column("offset"),
                messages.column("timestamp"),
                disposed.column("disposition"),
                disposed.column("reason"),
                disposed.column("field"),
                disposed.column("schema_id"),
                pa.array([self._seal.key_id] * len(sealed), pa.string()),
                pa.array(sealed, pa.binary()),
            ],
            schema=SCHEMA,
        )

    def _sealed(self, segment: Segment, message: dict[str, Any]) -> bytes:
        assert self._seal is not None
        headers = message["headers"]
        listed = headers and [[each["key"], _text(each["value"])] for each in headers]
        body = orjson.dumps([_text(message["key"]), _text(message["value"]), listed])
        context = _context(segment.topic, segment.topic_id, segment.partition, message["offset"])
        return self._seal.seal(body, context)

    def __getstate__(self) -> dict[str, Any]:
        """The key itself is never pickled."""
        return {"name": self.name, "_key": self._key, "_seal": None}


def open_dead_letters(
    table: pa.Table, key: str, *, topic: str, topic_id: str, partition: int
) -> Iterator[dict[str, Any]]:
    """Yields the dead letters of a segment with ``key``, ``value`` and ``headers`` as they came.

    The broker's timestamp comes as ``timestamp_ms``, milliseconds since 1970 UTC: a producer may
    have sent one that no calendar has.

    Args:
        table: The table ``dead_letters`` of a sidecar file.
        key: The data key itself, not a reference.
        topic: Topic of the segment; a dead letter opens only under its own place.
        topic_id: Kafka's id of the topic.
        partition: Partition of the segment.

    Raises:
        SecretError: The key is not the one that sealed them.
    """
    seal = Seal(key)
    for row in plain_rows(table):
        context = _context(topic, topic_id, partition, row["offset"])
        key_text, value_text, listed = orjson.loads(seal.open(row.pop("sealed"), context))
        headers = listed and [(name, _bytes(text)) for name, text in listed]
        yield {**row, "key": _bytes(key_text), "value": _bytes(value_text), "headers": headers}


def plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Returns the rows of a table ``dead_letters``, with the time as ``timestamp_ms``."""
    at = table.column_names.index("timestamp")
    numbers = table.column("timestamp").cast(pa.int64())
    rows: list[dict[str, Any]] = table.set_column(at, "timestamp_ms", numbers).to_pylist()
    return rows


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _context(topic: str, topic_id: str, partition: int, offset: int) -> bytes:
    return f"{topic}/{topic_id}/{partition}/{offset}".encode()
