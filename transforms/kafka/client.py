"""librdkafka, and only librdkafka: the one module of this folder that knows confluent_kafka."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
from confluent_kafka import (
    Consumer,
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
    ConfigurationError,
    PipelineError,
    RefusedError,
    TopicMissingError,
)
from transforms.secrets import resolve_all
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: One call's worth of messages: large enough that the call costs nothing per message.
BATCH_MESSAGES: Final = 10_000
#: ``consume`` waits until it has all that it was asked for, or this long: the price of a hole.
POLL_S: Final = 0.02
#: Of the topic and partition lists, which are asked for twice a segment.
ADMIN_TIMEOUT_S: Final = 10.0

#: Errors that no waiting mends, and what to say of them.
REFUSALS: Final[Mapping[int, str]] = {
    KafkaError._AUTHENTICATION: "Check the user name and password, or the token",
    KafkaError.SASL_AUTHENTICATION_FAILED: "Check the user name and password, or the token",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Grant Read and Describe on the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "Grant Read on the consumer group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "Grant Describe on the cluster",
    KafkaError._SSL: "Check ssl.ca.location and the broker's certificate",
    KafkaError._INVALID_ARG: "Check the librdkafka settings",
    KafkaError._UNSUPPORTED_FEATURE: "The broker is older than Kafka 2.8",
}

_DEFAULTS: Final[Mapping[str, Any]] = {
    "isolation.level": "read_committed",
    # The default jumps silently to the end of the log when retention has deleted our offset.
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "check.crcs": True,
    # Read-ahead while a segment is written; it bounds the memory of one consumer.
    "queued.max.messages.kbytes": 32_768,
    "queued.min.messages": 100_000,
    # A full queue is drained in milliseconds; the default waits a whole second.
    "fetch.queue.backoff.ms": 5,
    "fetch.message.max.bytes": 8_388_608,
    # A fetch at the end of one partition holds the connection this long, and with it the first
    # fetch of the next one; the default is half a second a partition.
    "fetch.wait.max.ms": 20,
}

#: Settings on which exactness hangs; a configuration can't change them.
PINNED: Final = frozenset(
    {"isolation.level", "auto.offset.reset", "enable.auto.commit", "enable.partition.eof"}
)


@dataclass(frozen=True, kw_only=True)
class BrokerSettings:
    """How to reach the cluster.

    Attributes:
        bootstrap_servers: ``host:port,host:port``.
        config: Any librdkafka settings; secrets as references (``env:NAME``, ``file:PATH``, ...),
            resolved on the worker. ``sasl.oauthbearer.method=aws-msk-iam`` signs in to Amazon MSK
            with the worker's IAM role (needs the extra ``msk``).
        group_id: Name under which progress is shown to lag monitors; never read back.
        patience_s: How long an outage is waited out before the partition fails, in seconds.
    """

    bootstrap_servers: str
    config: Mapping[str, str] = field(default_factory=dict)
    group_id: str = "pharmabeam"
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        if not self.bootstrap_servers:
            raise ConfigurationError("bootstrap_servers must be host:port, got nothing", "Set it")
        pinned = PINNED & set(self.config)
        if pinned:
            raise ConfigurationError(
                f"the librdkafka setting {min(pinned)} can't be changed",
                "Exactly-once reading hangs on it: take it out",
            )


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """A topic as the cluster describes it now."""

    topic: str
    topic_id: str
    cluster_id: str
    partitions: tuple[int, ...]


class Broker:
    """Questions to the cluster; each is repeated through an outage.

    Raises, from every method: RefusedError where waiting would not help, BrokerUnavailableError
    when the outage outlasts the patience.
    """

    def __init__(self, settings: BrokerSettings, *, patience_s: float | None = None) -> None:
        self._settings = settings
        self._patience_s = settings.patience_s if patience_s is None else patience_s
        self._admin = AdminClient(_connection(settings))
        _first_token(self._admin, settings)

    def describe(self, topics: Sequence[str]) -> list[TopicFacts]:
        """Returns the topics' ids and partitions.

        Raises:
            TopicMissingError: Names the first that the cluster doesn't know.
        """
        return self._patiently(lambda: self._describe(topics))

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

    def topic_id(self, topic: str) -> str:
        """Returns the topic's id; cheap enough to be asked for round every segment."""
        return self._patiently(lambda: self._describe_topics([topic], "")[0].topic_id)

    def _describe(self, topics: Sequence[str]) -> list[TopicFacts]:
        cluster = self._admin.describe_cluster(request_timeout=ADMIN_TIMEOUT_S).result()
        return self._describe_topics(topics, str(cluster.cluster_id))

    def _describe_topics(self, topics: Sequence[str], cluster_id: str) -> list[TopicFacts]:
        futures = self._admin.describe_topics(
            TopicCollection(list(topics)), request_timeout=ADMIN_TIMEOUT_S
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
        return self._patiently(lambda: self._list_offsets(request, isolation))

    def _list_offsets(self, request: dict[Any, Any], isolation: Any) -> dict[int, int]:
        futures = self._admin.list_offsets(
            request, isolation_level=isolation, request_timeout=ADMIN_TIMEOUT_S
        )
        return {p.partition: int(future.result().offset) for p, future in futures.items()}

    def _patiently(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                return call()
            except KafkaException as error:
                failure = translated(error.args[0], self._settings.bootstrap_servers)
                if isinstance(failure, RefusedError) or time.monotonic() >= deadline:
                    raise failure from error
            time.sleep(0.5)  # The client reconnects by itself; asking faster would not help.


@dataclass(frozen=True)
class Fetched:
    """A range of a partition as it was read: messages of ``MESSAGES_SCHEMA``, and where it ends."""

    messages: pa.Table
    end: int


class PartitionConsumer:
    """Reads one partition at a time, in order, each message at most once per position.

    One consumer per DoFn instance serves the partitions that fall to it, one after the other.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        config = {**_DEFAULTS, **_connection(settings), "group.id": settings.group_id}
        self._consumer = Consumer(config)
        _first_token(self._consumer, settings)
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
            messages: Enough messages, about.
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
            batch = self._consumer.consume(min(BATCH_MESSAGES, wanted - position), POLL_S)
            if batch:
                deadline = time.monotonic() + self._settings.patience_s
            elif time.monotonic() >= deadline:
                raise BrokerUnavailableError(
                    f"nothing came from {topic}[{partition}] for {self._settings.patience_s:.0f} s",
                    "Look at the broker; the next run goes on from the fence",
                )
            good, end, lost = self._sorted_out(batch)
            table = _table([message for message in good if _offset(message) < wanted])
            if table.num_rows:
                tables.append(table)
                position = table.column("offset")[-1].as_py() + 1
                held, count = held + table.nbytes, count + table.num_rows
            if (end is not None and end >= wanted) or _reaches(good, wanted):
                position = wanted
            if lost:
                self._at = None
                break
        if self._at is not None:
            self._at = (topic, partition, position)
        return Fetched(pa.concat_tables([MESSAGES_SCHEMA.empty_table(), *tables]), position)

    def note_progress(self, topic: str, partition: int, fence: int) -> None:
        """Shows the fence to lag monitors, without waiting; a failure is of no consequence."""
        try:
            self._consumer.commit(
                offsets=[TopicPartition(topic, partition, fence)], asynchronous=True
            )
        except KafkaException:
            _log.debug("progress of %s[%d] not shown to lag monitors", topic, partition)

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
            elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                lost = True
            elif not error.retriable() and error.code() not in _PASSING:
                raise translated(error, self._settings.bootstrap_servers)
        return [message for message in batch if message.error() is None], end, lost


#: Errors of the connection or of a broker that is starting; the client goes on by itself.
_PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError.UNKNOWN_TOPIC_OR_PART,  # The topic's id is checked round every segment.
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)


def translated(error: KafkaError, servers: str) -> PipelineError:
    """Maps a librdkafka error to one of ours; its text names hosts and topics, never messages."""
    remedy = REFUSALS.get(error.code())
    if remedy is not None:
        return RefusedError(f"Kafka at {servers} refuses: {error.str()}", remedy)
    if error.fatal():
        return PipelineError(f"Kafka client failed: {error.str()}", "Start the run again")
    return BrokerUnavailableError(
        f"Kafka at {servers} does not answer ({error.name()})",
        "Check --kafka_bootstrap_servers, the network and the broker",
    )


def _connection(settings: BrokerSettings) -> dict[str, Any]:
    config: dict[str, Any] = resolve_all(settings.config)
    if config.pop("sasl.oauthbearer.method", None) == "aws-msk-iam":
        config.update({"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": _msk_token})
    return {"bootstrap.servers": settings.bootstrap_servers, "log_level": 2, **config}


def _msk_token(_config: str) -> tuple[str, float]:
    """Returns an IAM token for Amazon MSK, and when it ends in seconds since 1970."""
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    except ImportError as error:
        raise ConfigurationError(
            "aws-msk-iam needs the extra msk", "pip install 'pharmabeam[msk]'"
        ) from error
    token, expires_ms = MSKAuthTokenProvider.generate_auth_token(os.environ["AWS_REGION"])
    return token, expires_ms / 1000


def _first_token(client: Any, settings: BrokerSettings) -> None:
    # librdkafka asks for the OAuth token from poll(); admin calls would wait for one for ever.
    if settings.config.get("sasl.oauthbearer.method") == "aws-msk-iam":
        client.poll(0)


def _offset(message: Message) -> int:
    offset: int = message.offset()  # type: ignore[assignment]  # set on every consumed message
    return offset


def _reaches(messages: Sequence[Message], wanted: int) -> bool:
    return bool(messages) and _offset(messages[-1]) >= wanted - 1


def _table(messages: Sequence[Message]) -> pa.Table:
    """Extracts the messages column by column: C calls only, no Python per message."""
    count = len(messages)
    headers = list(map(Message.headers, messages))
    stamps = np.fromiter((pair[1] for pair in map(Message.timestamp, messages)), np.int64, count)
    return pa.table(
        [
            pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),
            pa.array(stamps).cast(MESSAGES_SCHEMA.field("timestamp").type),
            pa.array(map(Message.key, messages), pa.binary(), size=count),
            pa.array(list(map(Message.value, messages)), pa.binary()),
            _headers(headers),
        ],
        schema=MESSAGES_SCHEMA,
    )


def _headers(headers: Iterable[Any]) -> pa.Array:
    listed = list(headers)
    if not any(listed):
        return pa.nulls(len(listed), HEADERS_TYPE)
    rows = [each and [{"key": key, "value": value} for key, value in each] for each in listed]
    return pa.array(rows, HEADERS_TYPE)
