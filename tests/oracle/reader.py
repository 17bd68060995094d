"""Reads what is committed, with a plain consumer."""

import time
from collections.abc import Iterator, Mapping

from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.oracle.messages import Message

# A broker under test may be slow, but one that is silent for longer has lost something.
_SILENT_SECONDS = 60


def committed_ends(servers: str, topic: str) -> dict[int, int]:
    """Last stable offset of each partition: everything below it is decided."""
    return _offsets(servers, topic, OffsetSpec.latest())


def earliest_starts(servers: str, topic: str) -> dict[int, int]:
    """First offset that each partition still has."""
    return _offsets(servers, topic, OffsetSpec.earliest())


def _offsets(servers: str, topic: str, spec: OffsetSpec) -> dict[int, int]:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    partitions = admin.list_topics(topic, timeout=30).topics[topic].partitions
    wanted = {TopicPartition(topic, number): spec for number in partitions}
    futures = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED)
    return {tp.partition: future.result(30).offset for tp, future in futures.items()}


def read_committed(
    servers: str, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[Message]:
    """Yields the committed messages of each partition from `starts` to below `ends`.

    Messages of a partition come in order; partitions are interleaved.

    Raises:
        TimeoutError: Nothing came for a minute, and some end isn't reached.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "oracle",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
    )
    open_ = {p for p, end in ends.items() if starts[p] < end}
    try:
        consumer.assign([TopicPartition(topic, p, starts[p]) for p in sorted(open_)])
        yield from _until_ends(consumer, topic, open_, ends)
    finally:
        consumer.close()


def _until_ends(
    consumer: Consumer, topic: str, open_: set[int], ends: Mapping[int, int]
) -> Iterator[Message]:
    heard = time.monotonic()
    while open_:
        for message in consumer.consume(10_000, 0.2):
            heard = time.monotonic()
            error, partition = message.error(), message.partition()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise AssertionError(f"{topic}: {error.str()}")
            # The end of the partition comes with its offset; messages near it may be missing
            # where transactions left holes.
            if error is None and partition in open_ and message.offset() < ends[partition]:
                yield _message(message)
            if message.offset() + (error is None) >= ends[partition]:
                open_.discard(partition)
        if time.monotonic() - heard > _SILENT_SECONDS:
            raise TimeoutError(f"{topic}: partitions {sorted(open_)} end below {dict(ends)}")


def _message(message: KafkaMessage) -> Message:
    return Message(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
