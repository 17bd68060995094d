"""What a drain asks of the cluster, and how it reads a partition: with librdkafka."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import pyarrow as pa
from confluent_kafka import (
    OFFSET_INVALID,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from transforms.errors import (
    BrokerUnavailableError,
    PipelineError,
    RefusedError,
    TopicMissingError,
)
from transforms.kafka.connection import (
    LOST,
    PASSING,
    Trouble,
    opened_admin,
    opened_consumer,
    show_progress,
    translated,
)
from transforms.kafka.messages import Batch, Fetched, below, collector_paused, reaches, to_arrow
from transforms.kafka.settings import BrokerSettings, TopicFacts
from transforms.metrics import RETRIES, tell
from transforms.segment import MESSAGES_SCHEMA

T = TypeVar("T")

#: One call's worth of messages: enough that the call costs nothing per message, and few enough that
#: they stay in the processor's cache (measured: 10,000 cost a third more).
BATCH_MESSAGES: Final = 2_000
#: ``consume`` waits until it has all that it was asked for, or this long: the price of a hole.
POLL_S: Final = 0.02
#: Of one question to the cluster; with less patience than this, the patience.
ADMIN_TIMEOUT_S: Final = 10.0


class Broker:
    """Questions to the cluster; each is repeated through an outage, by a client of its own.

    A client that has been told which broker leads a partition never asks again, and after a
    failover answers with offsets of -1001 for ever (librdkafka 2.16).

    Raises, from every method: RefusedError where waiting would not help, BrokerUnavailableError
    when the outage outlasts the patience.
    """

    def __init__(self, settings: BrokerSettings, *, patience_s: float | None = None) -> None:
        self._settings = settings
        self._patience_s = settings.patience_s if patience_s is None else patience_s
        self._timeout_s = min(ADMIN_TIMEOUT_S, max(1.0, self._patience_s))
        self._exhausted = False
        self._trouble = Trouble()
        self._admin = self._opened()

    def check_reachable(self) -> None:
        """Connects to the cluster; what is certainly wrong is refused without patience.

        For the start of a run only: a broker that restarts may refuse the right password, and a
        run waits that out.

        Raises:
            RefusedError: Credentials, certificates or settings are wrong.
            BrokerUnavailableError: No broker listens, or none answered within the patience.
        """
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._admin.list_topics(timeout=1.0)
            except KafkaException as error:
                failure = self._explained(self._admin, error)
                late = time.monotonic() >= deadline
                if isinstance(failure, RefusedError) or self._trouble.all_down or late:
                    raise failure from error
            else:
                return

    def describe(self, topics: Sequence[str]) -> list[TopicFacts]:
        """Returns the topics' ids and partitions.

        Raises:
            TopicMissingError: Names the first that the cluster doesn't know.
        """
        return self._patiently(lambda admin: self._describe(admin, topics))

    def earliest(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the first offset that the broker still has."""
        return self._offsets(facts, OffsetSpec.earliest())

    def stable_end(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the last stable offset: the end of what is committed."""
        return self._offsets(facts, OffsetSpec.latest())

    def high_watermark(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the end of the log, open transactions included."""
        return self._offsets(facts, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)

    def at_time(self, facts: TopicFacts, timestamp_ms: int) -> dict[int, int]:
        """Returns per partition the first offset at or after a time; the end if there is none."""
        found = self._offsets(facts, OffsetSpec.for_timestamp(timestamp_ms))
        ends = self.stable_end(facts)
        return {p: ends[p] if offset < 0 else offset for p, offset in found.items()}

    def names(self) -> list[str]:
        """Returns the names of all topics but Kafka's own, in order."""
        found = self._patiently(lambda admin: admin.list_topics(timeout=self._timeout_s).topics)
        return sorted(name for name in found if not name.startswith("__"))

    def topic_id(self, topic: str) -> str:
        """Returns the topic's id; cheap enough to be asked for round every segment."""
        return self._patiently(lambda admin: self._describe_topics(admin, [topic], "")[0].topic_id)

    def _describe(self, admin: AdminClient, topics: Sequence[str]) -> list[TopicFacts]:
        cluster = admin.describe_cluster(request_timeout=self._timeout_s).result()
        return self._describe_topics(admin, topics, str(cluster.cluster_id))

    def _describe_topics(
        self, admin: AdminClient, topics: Sequence[str], cluster_id: str
    ) -> list[TopicFacts]:
        futures = admin.describe_topics(
            TopicCollection(list(topics)), request_timeout=self._timeout_s
        )
        return [self._facts(topic, futures[topic], cluster_id) for topic in topics]

    def _facts(self, topic: str, future: Any, cluster_id: str) -> TopicFacts:
        try:
            described = future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise TopicMissingError(
                    f"the broker has no topic {topic}",
                    "Create it, or take it out of the configuration",
                ) from error
            raise
        return TopicFacts(
            topic=topic,
            # Kafka's own text of an id is base64url; the client gives plain Base64, whose slashes
            # would make folders of an object key.
            topic_id=str(described.topic_id).replace("+", "-").replace("/", "_"),
            cluster_id=cluster_id,
            partitions=tuple(sorted(p.id for p in described.partitions)),
        )

    def _offsets(
        self,
        facts: TopicFacts,
        spec: Any,
        isolation: Any = IsolationLevel.READ_COMMITTED,
    ) -> dict[int, int]:
        request = {TopicPartition(facts.topic, p): spec for p in facts.partitions}
        return self._patiently(lambda admin: self._list_offsets(admin, request, isolation))

    def _list_offsets(
        self, admin: AdminClient, request: dict[Any, Any], isolation: Any
    ) -> dict[int, int]:
        futures = admin.list_offsets(
            request, isolation_level=isolation, request_timeout=self._timeout_s
        )
        found = {p.partition: int(future.result().offset) for p, future in futures.items()}
        if OFFSET_INVALID in found.values():
            # Not an end of nothing: the broker that was asked is gone, and no error says so.
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return found

    def _opened(self) -> AdminClient:
        return opened_admin(self._settings, error_cb=self._trouble)

    def _patiently(self, call: Callable[[AdminClient], T]) -> T:
        # Once an outage has outlasted the patience, the partitions that follow must not wait it
        # out again, one after the other: they ask once.
        deadline = time.monotonic() + (0.0 if self._exhausted else self._patience_s)
        while True:
            # Of this thread until it has its answer: another may take a new one meanwhile.
            admin = self._admin
            try:
                answer = call(admin)
            except KafkaException as error:
                failure = translated(error.args[0], self._settings.bootstrap_servers)
                if isinstance(failure, RefusedError):
                    raise failure from error
                failure = self._explained(admin, error)
                self._admin = self._opened()
                if time.monotonic() >= deadline:
                    self._exhausted = True
                    raise failure from error
            else:
                self._exhausted = False
                self._trouble.forget()
                return answer
            tell(RETRIES, 1, system="kafka")
            time.sleep(0.5)

    def _explained(self, admin: AdminClient, error: KafkaException) -> PipelineError:
        admin.poll(0)  # Delivers what the connection itself has met.
        return translated(self._trouble.last or error.args[0], self._settings.bootstrap_servers)


class PartitionConsumer:
    """Reads one partition at a time, in order, each message at most once per position.

    One consumer per DoFn instance serves the partitions that fall to it, one after the other.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._trouble = Trouble()
        self._consumer = opened_consumer(settings, error_cb=self._trouble)
        self._at: tuple[str, int, int] | None = None
        self._found: set[str] = set()

    def close(self) -> None:
        """Leaves the cluster."""
        self._consumer.close()

    def fetch(
        self, topic: str, partition: int, start: int, wanted: int, messages: int, size: int
    ) -> Fetched:
        """Reads from ``start`` until ``wanted``, or until there is enough for a segment.

        Args:
            topic: Topic name.
            partition: Partition number.
            start: First offset.
            wanted: Offset to stop before.
            messages: Enough messages: it is never more.
            size: Enough bytes, about.

        Returns:
            What was read. It ends at ``wanted`` when all before it is read, holes included, and
            otherwise after the last message. It is empty and ends at ``start`` when the broker has
            deleted that offset meanwhile.

        Raises:
            BrokerUnavailableError: No message and no end came for ``patience_s``.
        """
        self._seek(topic, partition, start)
        tables: list[pa.Table] = []
        position, held, count = start, 0, 0
        deadline = time.monotonic() + self._settings.patience_s
        while position < wanted and count < messages and held < size:
            most = min(BATCH_MESSAGES, wanted - position, messages - count)
            batch = self._take(most, wanted)
            if batch.answered:
                deadline = time.monotonic() + self._settings.patience_s
            elif time.monotonic() >= deadline:
                met = f" ({self._trouble.last.name()})" if self._trouble.last else ""
                raise BrokerUnavailableError(
                    f"nothing came from {topic}[{partition}] for {self._settings.patience_s:.0f} s"
                    f"{met}",
                    "Look at the broker; the next run goes on from the fence",
                )
            if batch.table.num_rows:
                tables.append(batch.table)
                position = batch.table.column("offset")[-1].as_py() + 1
                held, count = held + batch.table.nbytes, count + batch.table.num_rows
            if batch.complete:
                position = wanted
            # Whoever goes on from here must seek: the offset is gone, or messages beyond the wanted
            # end were taken and dropped.
            seek = batch.lost or batch.dropped
            self._at = None if seek else (topic, partition, position)
            if batch.lost:
                break
        return Fetched(pa.concat_tables([MESSAGES_SCHEMA.empty_table(), *tables]), position)

    def _take(self, most: int, wanted: int) -> Batch:
        with collector_paused():
            batch = self._consumer.consume(most, POLL_S)
            good, end, lost = self._sorted_out(batch)
            table = to_arrow(below(good, wanted))
            return Batch(
                table=table,
                answered=bool(batch),
                complete=(end is not None and end >= wanted) or reaches(good, wanted),
                dropped=table.num_rows < len(good),
                lost=lost,
            )

    def note_progress(self, topic: str, partition: int, fence: int) -> None:
        """Shows the fence to lag monitors; see ``show_progress``."""
        show_progress(self._consumer, topic, partition, fence)

    def _seek(self, topic: str, partition: int, start: int) -> None:
        if self._at != (topic, partition, start):
            self._find_leaders(topic)
            self._consumer.assign([TopicPartition(topic, partition, start)])
            self._at = (topic, partition, start)

    def _find_leaders(self, topic: str) -> None:
        # A topic that the client has not heard of takes it up to a second to look up by itself.
        if topic not in self._found:
            self._consumer.list_topics(topic, timeout=ADMIN_TIMEOUT_S)
            self._found.add(topic)

    def _sorted_out(self, batch: Sequence[Message]) -> tuple[Sequence[Message], int | None, bool]:
        """Returns the messages, the end of the log if it was reached, and whether we fell behind.

        Raises:
            PipelineError: Any other error that the client reports and does not mend itself.
        """
        errors = [message for message in batch if message.error() is not None]
        if not errors:
            return batch, None, False
        end, lost = None, False
        for message in errors:
            error = message.error()
            assert error is not None
            if error.code() == KafkaError._PARTITION_EOF:
                end = message.offset()
            elif error.code() in LOST:
                lost = True
            elif not error.retriable() and error.code() not in PASSING:
                raise translated(error, self._settings.bootstrap_servers)
        return [message for message in batch if message.error() is None], end, lost
