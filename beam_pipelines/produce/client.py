"""The broker's side: topics are made and messages are produced with confluent_kafka.

The bulk goes through one idempotent producer, transactions through a second one. Before a
transaction begins the first is flushed, so that the order within a partition is the stream's.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.delivery import Deliveries, Planted, Transaction
from beam_pipelines.produce.errors import (
    BrokerUnavailableError,
    DeliveryError,
    SettingError,
    TopicError,
)
from beam_pipelines.produce.planting import Planting
from beam_pipelines.produce.topics import TopicSpec

_logger = logging.getLogger(__name__)

# A local broker answers in milliseconds, a remote one within seconds; longer is a wrong address.
_ANSWER_SECONDS = 10
# A loaded broker may stall for a while, but a flush that takes longer has failed.
_FLUSH_SECONDS = 120
# The queue holds some 60 MB of messages; when it is full, producing waits.
_BULK = {
    "enable.idempotence": True,
    "linger.ms": 50,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 262_144,
}
# Event times lie in the past, so no topic may expire by time, nor refuse what is old or, on a
# machine whose clock is behind, what seems to be of the future.
_KEEP_ALL = {
    "retention.ms": "-1",
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "message.timestamp.after.max.ms": str(2**63 - 1),
    # A transaction's marker bears the broker's time, months after the events: it would roll the
    # segment, and compaction would start at once, so that two readers see different messages.
    "segment.ms": str(10 * 365 * 86_400_000),
}

_Report = Callable[[KafkaError | None, Message], None]


class KafkaTarget:
    """Topics and producers of one cluster.

    Args:
        servers: Bootstrap servers, `host:port,...`.
        settings: Further settings of librdkafka, for all clients.
        transactional_id: Id of the transactional producer. Two runs with one id fence each other.

    Raises:
        SettingError: A setting is unknown or impossible.
    """

    def __init__(self, servers: str, settings: Mapping[str, str], transactional_id: str) -> None:
        self._servers = servers
        # librdkafka would write to stderr; its errors reach us as exceptions and reports.
        self._base: dict[str, Any] = {"bootstrap.servers": servers, "logger": _logger, **settings}
        self._transactional_id = transactional_id
        self._transactional: Producer | None = None
        self._down = ""
        self.deliveries = Deliveries()
        # Not sparse: see ADMIN_DEFAULTS of transforms.kafka.
        admin = {"enable.sparse.connections": False, **self._base, "error_cb": self._trouble}
        try:
            self._admin = AdminClient(admin)
            self._bulk = Producer({**_BULK, **self._base})
        except KafkaException as error:
            raise SettingError(_words(error)) from None

    def prepare(self, topics: Iterable[TopicSpec], *, create: bool, replication: int) -> None:
        """Makes sure that the topics exist with enough partitions.

        Args:
            topics: What the stream is produced to.
            create: Whether missing topics are created.
            replication: Replicas of a partition in topics that are created.

        Raises:
            BrokerUnavailableError: The cluster can't be reached.
            TopicError: A topic is missing, has too few partitions, or can't be created.
        """
        there = self._partitions()
        missing = [topic for topic in topics if topic.name not in there]
        for topic in topics:
            if there.get(topic.name, topic.partitions) < topic.partitions:
                problem = f"has {there[topic.name]} partitions, not {topic.partitions}"
                raise TopicError(topic.name, problem, "give --partitions, or delete the topic")
        if missing and not create:
            remedy = "create it, or run with --create_topics"
            raise TopicError(missing[0].name, "does not exist", remedy)
        self._create(missing, replication)

    def _partitions(self) -> dict[str, int]:
        """Partitions by topic; a refused connection is told after a second, not after ten."""
        for attempt in range(1, _ANSWER_SECONDS + 1):
            try:
                found = self._admin.list_topics(timeout=1).topics
            except KafkaException as error:
                self._admin.poll(0)  # delivers what the error callback is to know
                if self._down or attempt == _ANSWER_SECONDS:
                    reason = self._down or _words(error)
                    raise BrokerUnavailableError(self._servers, reason) from None
            else:
                return {name: len(topic.partitions) for name, topic in found.items()}
        raise AssertionError("the last attempt returns or raises")

    def _trouble(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = error.str()

    def _create(self, topics: list[TopicSpec], replication: int) -> None:
        if not topics:
            return
        wanted = [
            NewTopic(t.name, t.partitions, replication, config=_topic_config(t)) for t in topics
        ]
        for name, future in self._admin.create_topics(wanted).items():
            try:
                future.result(_ANSWER_SECONDS)
            except KafkaException as error:
                raise TopicError(
                    name, f"can't be created ({_words(error)})", "check --replication and ACLs"
                ) from None

    def send(self, chunk: Chunk) -> None:
        """Produces a chunk as its fate says.

        Guarantees:
            Messages of a partition are in the log in the order of the calls. A plain chunk may
            still be on its way when this returns; `flush` waits for it.

        Raises:
            DeliveryError: The broker refused a message or a transaction.
        """
        if chunk.fate is Fate.PLAIN:
            self._produce(self._bulk, chunk, self._delivered, self._planted_reports(chunk))
            self._bulk.poll(0)
            self._raise_failure()
        else:
            self._send_transaction(chunk)

    def flush(self) -> None:
        """Waits until the log holds all that was sent.

        Raises:
            DeliveryError: A message didn't get there.
        """
        left = self._bulk.flush(_FLUSH_SECONDS)
        self._raise_failure()
        if left:
            raise DeliveryError("the cluster", f"{left} messages waited {_FLUSH_SECONDS} s")

    def finish(self) -> None:
        """Waits until readers of committed messages see all that was sent; sends nothing more.

        A transaction's end returns before its markers are in the log, and up to a marker that is
        missing no such reader gets. The coordinator gives the id to another producer only when
        the last transaction's markers are written (KIP-98), so asking for it is waiting for them.

        Raises:
            DeliveryError: A message didn't get there, or a transaction didn't end.
        """
        self.flush()
        if self._transactional is None:
            return
        try:
            self._new_transactional_producer()
        except KafkaException as error:
            raise DeliveryError("the last transaction", _words(error)) from None
        self._transactional = None

    def _send_transaction(self, chunk: Chunk) -> None:
        self.flush()
        offsets: list[tuple[int, int]] = []
        reports = self._planted_reports(chunk)

        def delivered(error: KafkaError | None, message: Message) -> None:
            self._delivered(error, message)
            offsets.append(_place(message))

        def with_offset(report: _Report) -> _Report:
            def both(error: KafkaError | None, message: Message) -> None:
                report(error, message)
                offsets.append(_place(message))

            return both

        try:
            producer = self._transactional_producer()
            producer.begin_transaction()
            both = {row: with_offset(report) for row, report in reports.items()}
            self._produce(producer, chunk, delivered, both)
            # Flushed before the end, or an abort would purge what is still queued: it is to leave
            # a hole in the log.
            producer.flush(_FLUSH_SECONDS)
            self._raise_failure()
            end = producer.commit_transaction
            if chunk.fate is Fate.ABORTED:
                end = producer.abort_transaction
            end(_FLUSH_SECONDS)
        except KafkaException as error:
            raise DeliveryError(f"{chunk.topic} in a transaction", _words(error)) from None
        self.deliveries.transactions.append(
            Transaction(chunk.topic, chunk.fate, len(chunk), _ranges(offsets))
        )

    def _transactional_producer(self) -> Producer:
        if self._transactional is None:
            self._transactional = self._new_transactional_producer()
        return self._transactional

    def _new_transactional_producer(self) -> Producer:
        settings = {**_BULK, "linger.ms": 5, "transactional.id": self._transactional_id}
        producer = Producer({**settings, **self._base})
        producer.init_transactions(_FLUSH_SECONDS)
        return producer

    def _produce(
        self, producer: Producer, chunk: Chunk, report: _Report, reports: dict[int, _Report]
    ) -> None:
        """One call a message: produce_batch takes neither timestamps nor headers (2.16)."""
        topic, produce = chunk.topic, producer.produce
        headers: dict[int, Any] = chunk.headers
        columns = zip(chunk.values, chunk.keys, chunk.partitions, chunk.timestamps_ms, strict=True)
        for row, (value, key, partition, timestamp) in enumerate(columns):
            told = reports.get(row, report)
            while True:
                try:
                    produce(
                        topic,
                        value,
                        key,
                        partition,
                        on_delivery=told,
                        timestamp=timestamp,
                        headers=headers.get(row),
                    )
                    break
                except BufferError:
                    producer.poll(0.05)
                    self._raise_failure()

    def _planted_reports(self, chunk: Chunk) -> dict[int, _Report]:
        return {row: self._planted_report(planting) for row, planting in chunk.planted.items()}

    def _planted_report(self, planting: Planting) -> _Report:
        def planted(error: KafkaError | None, message: Message) -> None:
            self._delivered(error, message)
            place = str(message.topic()), *_place(message)
            self.deliveries.planted.append(Planted(*place, planting))

        return planted

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self.deliveries.failure is None:
            place = f"{message.topic()}, partition {message.partition()}"
            self.deliveries.failure = place, error.str()

    def _raise_failure(self) -> None:
        if self.deliveries.failure is not None:
            raise DeliveryError(*self.deliveries.failure)


def _topic_config(topic: TopicSpec) -> dict[str, str]:
    return {**_KEEP_ALL, "cleanup.policy": "compact" if topic.compacted else "delete"}


def _place(message: Message) -> tuple[int, int]:
    """Partition and offset of a delivered message."""
    return cast(tuple[int, int], (message.partition(), message.offset()))


def _ranges(offsets: list[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    by_partition: dict[int, list[int]] = {}
    for partition, offset in offsets:
        by_partition.setdefault(partition, []).append(offset)
    return {p: (min(found), max(found)) for p, found in sorted(by_partition.items())}


def _words(error: KafkaException) -> str:
    inner: Any = error.args[0]
    return str(inner.str()) if isinstance(inner, KafkaError) else str(inner)
