"""Messages of librdkafka -> Arrow, column by column. Knows the client's messages by shape only."""

import gc
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from transforms.errors import PipelineError
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA


class KafkaMessage(Protocol):
    """A consumed message, as ``confluent_kafka.Message`` is one."""

    def topic(self) -> Any:
        """Returns the name of its topic; set on every consumed message."""

    def partition(self) -> Any:
        """Returns the number of its partition; set on every consumed message."""

    def offset(self) -> int | None:
        """Returns its offset; set on every consumed message."""

    def timestamp(self) -> tuple[int, int]:
        """Returns the kind of its timestamp, and milliseconds since 1970."""

    def key(self) -> Any:
        """Returns its key in bytes, or None."""

    def value(self) -> Any:
        """Returns its value in bytes, or None."""

    def headers(self) -> Any:
        """Returns its headers as pairs of text and bytes, or None."""


M = TypeVar("M", bound=KafkaMessage)


@dataclass(frozen=True)
class Fetched:
    """A range of a partition as it was read: messages of ``MESSAGES_SCHEMA``, and where it ends."""

    messages: pa.Table
    end: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one call of the client gave.

    Attributes:
        table: Its messages below the wanted end.
        answered: It gave anything at all.
        complete: All below the wanted end has been read.
        dropped: Messages beyond the wanted end were among them.
        lost: The broker has deleted the offset meanwhile.
    """

    table: pa.Table
    answered: bool
    complete: bool
    dropped: bool
    lost: bool


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What one call of the client gave of one of many partitions.

    Attributes:
        topic: Topic name.
        partition: Partition number.
        table: Messages of ``MESSAGES_SCHEMA``.
        end: The end of the log, if it was reached: all below it has been read.
        lost: The broker has deleted the offset that was to be read next.
        error: Any other error of this partition that the client does not mend by itself.
    """

    topic: str
    partition: int
    table: pa.Table = field(default_factory=MESSAGES_SCHEMA.empty_table)
    end: int | None = None
    lost: bool = False
    error: PipelineError | None = None


class _Pause:
    """How many threads are within a pause, and whether the collector was on before the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._was_on = False

    def begin(self) -> None:
        with self._lock:
            if not self._within:
                self._was_on = gc.isenabled()
                gc.disable()
            self._within += 1

    def end(self) -> None:
        with self._lock:
            self._within -= 1
            if not self._within and self._was_on:
                gc.enable()


_pause = _Pause()


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses the garbage collector until the last thread that asked for it is done.

    Consumed messages are objects that it walks, and each thousand of new ones makes it walk older
    ones too, though they are in no cycle: measured, half of the time of reading.
    """
    _pause.begin()
    try:
        yield
    finally:
        _pause.end()


def offset_of(message: KafkaMessage) -> int:
    """Returns a consumed message's offset."""
    offset: int = message.offset()  # type: ignore[assignment]  # set on every consumed message
    return offset


def below(messages: Sequence[M], wanted: int) -> Sequence[M]:
    """Returns the messages below an offset."""
    # In offset order, and mostly all of them: no look at each message.
    if not messages or offset_of(messages[-1]) < wanted:
        return messages
    return [message for message in messages if offset_of(message) < wanted]


def reaches(messages: Sequence[KafkaMessage], wanted: int) -> bool:
    """Whether the messages prove that all below an offset has been read."""
    return bool(messages) and offset_of(messages[-1]) >= wanted - 1


def runs(messages: Sequence[M]) -> Iterator[tuple[str, int, Sequence[M]]]:
    """Yields topic, partition and messages of each run of messages from one partition."""
    if not messages:
        return
    kind, at = type(messages[0]), 0
    places = zip(map(kind.topic, messages), map(kind.partition, messages), strict=True)
    for (topic, partition), same in itertools.groupby(places):
        count = len(list(same))
        yield topic, partition, messages[at : at + count]
        at += count


def to_arrow(messages: Sequence[KafkaMessage]) -> pa.Table:
    """Returns messages as a table of ``MESSAGES_SCHEMA``.

    Args:
        messages: All of one class, in offset order. Its methods are mapped over the messages: C
            calls only, no Python per message.
    """
    if not messages:
        return MESSAGES_SCHEMA.empty_table()
    kind, count = type(messages[0]), len(messages)
    stamps = np.fromiter((pair[1] for pair in map(kind.timestamp, messages)), np.int64, count)
    return pa.table(
        [
            pa.array(np.fromiter(map(kind.offset, messages), np.int64, count)),
            pa.array(stamps).cast(MESSAGES_SCHEMA.field("timestamp").type),
            pa.array(map(kind.key, messages), pa.binary(), size=count),
            pa.array(list(map(kind.value, messages)), pa.binary()),
            _headers(map(kind.headers, messages)),
        ],
        schema=MESSAGES_SCHEMA,
    )


def _headers(headers: Iterable[Any]) -> pa.Array:
    listed = list(headers)
    if not any(listed):
        return pa.nulls(len(listed), HEADERS_TYPE)
    rows = [each and [{"key": key, "value": value} for key, value in each] for each in listed]
    return pa.array(rows, HEADERS_TYPE)
