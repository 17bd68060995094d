"""A chunk: messages of one topic that are produced one after another, in one way."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar

from beam_pipelines.produce.planting import Planting

Headers: TypeAlias = list[tuple[str, bytes | None]]
_T = TypeVar("_T")


class Fate(StrEnum):
    """How a chunk is produced."""

    PLAIN = "plain"
    """By the idempotent producer, in no transaction."""
    COMMITTED = "committed"
    """In a transaction of its own, which is committed."""
    ABORTED = "aborted"
    """In a transaction of its own, which is aborted: readers must never see it."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Messages of one topic as parallel lists.

    Attributes:
        topic: Where they go.
        partitions: Partition of each message.
        keys: Key of each message, or None.
        values: Value of each message; None is a tombstone.
        timestamps_ms: Timestamp of each message, milliseconds since 1970 (CreateTime).
        headers: Headers by row; rows that are not in it have none.
        planted: What is planted, by row; rows that are not in it are as they should be.
        fate: How the chunk is produced.
    """

    topic: str
    partitions: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps_ms: list[int]
    headers: dict[int, Headers] = field(default_factory=dict)
    planted: dict[int, Planting] = field(default_factory=dict)
    fate: Fate = Fate.PLAIN

    def __len__(self) -> int:
        return len(self.values)

    def sliced(self, start: int, end: int, fate: Fate = Fate.PLAIN) -> "Chunk":
        """The rows from `start` to `end`, to be produced by `fate`."""
        return Chunk(
            topic=self.topic,
            partitions=self.partitions[start:end],
            keys=self.keys[start:end],
            values=self.values[start:end],
            timestamps_ms=self.timestamps_ms[start:end],
            headers=_shifted(self.headers, start, end),
            planted=_shifted(self.planted, start, end),
            fate=fate,
        )

    def slices(self, rows: int) -> Iterator["Chunk"]:
        """The chunk in pieces of at most `rows` rows."""
        for start in range(0, len(self), rows):
            yield self.sliced(start, min(start + rows, len(self)), self.fate)


def _shifted(by_row: dict[int, _T], start: int, end: int) -> dict[int, _T]:
    return {row - start: value for row, value in by_row.items() if start <= row < end}


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Partition of each key: CRC-32 of the key modulo `partitions`.

    This is what librdkafka's `consistent` partitioner does. It is computed here, so that the
    partition of a message follows from its bytes and not from a client's version or settings.
    """
    crc32 = zlib.crc32
    return [crc32(key) % partitions for key in keys]
