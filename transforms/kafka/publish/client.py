"""librdkafka's producer, and what is asked of the topic: the one module here that knows it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka import Message as Report
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from transforms.errors import PipelineError, RefusedError, TopicMissingError
from transforms.kafka.client import Broker
from transforms.kafka.connection import PASSING, Trouble, opened, translated
from transforms.kafka.settings import BrokerSettings

#: Key and value.
Message = tuple[bytes, bytes]

#: Settings on which the order and the safety of messages hang; a configuration can't change them.
PINNED: Final[Mapping[str, Any]] = {"enable.idempotence": True, "acks": "all"}
_DEFAULTS: Final[Mapping[str, Any]] = {
    # A bundle's messages come in one go and are waited for: a longer wait would only delay them.
    "linger.ms": 5,
    # As Java's clients have it, so that theirs and ours put a key into the same partition.
    "partitioner": "murmur2_random",
    "compression.type": "lz4",
}
_NO_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
#: The client gives up a message at its time-out; so much later it has told of all of them.
_TELLING_S: Final = 1.0


@dataclass(frozen=True)
class Undelivered:
    """Messages of which the broker has not said that it has them; it may have them.

    Attributes:
        messages: Those.
        reason: What the client met.
    """

    messages: tuple[Message, ...]
    reason: PipelineError


class KafkaPublisher:
    """Sends messages to one topic, idempotently, and waits until all replicas have them.

    Args:
        settings: The cluster.
        topic: The topic's name.
        timeout_s: For how long a message is tried, in seconds.

    Raises:
        ConfigurationError: A setting is unknown or contradicts another.
    """

    def __init__(self, settings: BrokerSettings, topic: str, timeout_s: float) -> None:
        self._settings = settings
        self._topic = topic
        self._timeout_s = timeout_s
        self._trouble = Trouble()
        self._failed: list[Message] = []
        self._error: KafkaError | None = None
        self._producer = self._opened()

    def send(self, message: Message) -> None:
        """Hands a message over; ``flush`` tells what became of it."""
        key, value = message
        told = partial(self._told, message)
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=told)
                return
            except BufferError:
                self._producer.poll(0.1)  # What is too old is given up, so there will be room.
            except KafkaException as error:
                self._told(message, error.args[0], None)
                return

    def flush(self) -> Undelivered | None:
        """Waits until each message is delivered or given up.

        Returns:
            What was given up since the last call; None if all was delivered.
        """
        if self._producer.flush(self._timeout_s + _TELLING_S):
            self._producer.purge()
            self._producer.flush(_TELLING_S)
        self._producer.poll(0)
        failed, error = tuple(self._failed), self._error
        self._failed, self._error = [], None
        if error is None:
            self._trouble.forget()
            return None
        if error.fatal():
            # A producer whose order can't be kept any more refuses all that comes; a new one won't.
            self._producer = self._opened()
        return Undelivered(failed, self._reason(error))

    def _reason(self, error: KafkaError) -> PipelineError:
        if error.code() in _NO_TOPIC:
            return TopicMissingError(
                f"the broker has no topic {self._topic}", "Create it, or name another"
            )
        return translated(self._trouble.last or error, self._settings.bootstrap_servers)

    def _opened(self) -> Producer:
        return opened(
            Producer,
            self._settings,
            **_DEFAULTS,
            **PINNED,
            **{
                "message.timeout.ms": math.ceil(self._timeout_s * 1000),
                # A topic that is missing is told as such before the messages are too old.
                "topic.metadata.propagation.max.ms": math.ceil(self._timeout_s * 500),
                "error_cb": self._trouble,
            },
        )

    def _told(self, message: Message, error: KafkaError | None, _report: Report | None) -> None:
        if error is None:
            return
        self._failed.append(message)
        if self._error is None or error.fatal():
            self._error = error


@dataclass(frozen=True)
class TopicState:
    """A topic as the cluster has it.

    Attributes:
        config: Its settings, those of the broker included.
        writable: Whether this user may write to it.
    """

    config: Mapping[str, str]
    writable: bool


class PublishingBroker(Broker):
    """A broker that also tells whether a topic may be published to, and makes it."""

    def state(self, topic: str) -> TopicState:
        """Returns what a topic is.

        Raises:
            TopicMissingError: There is none of that name, or this user may not see it.
        """
        self.describe([topic])
        return self._patiently(lambda admin: self._state(admin, topic))

    def create(self, topic: str, partitions: int, config: Mapping[str, str]) -> None:
        """Makes a topic with as many replicas as the cluster's default says.

        Raises:
            RefusedError: The cluster makes none of that name for this user.
        """
        wanted = NewTopic(topic, num_partitions=partitions, config=dict(config))
        self._patiently(lambda admin: self._create(admin, wanted))

    def _state(self, admin: AdminClient, topic: str) -> TopicState:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        asked = admin.describe_configs([resource], request_timeout=self._timeout_s)
        described = admin.describe_topics(
            TopicCollection([topic]),
            include_authorized_operations=True,
            request_timeout=self._timeout_s,
        )
        # A cluster without an authorizer names all operations.
        allowed = described[topic].result().authorized_operations or ()
        entries = asked[resource].result()
        return TopicState(
            {name: str(entry.value) for name, entry in entries.items()},
            writable=AclOperation.WRITE in allowed,
        )

    def _create(self, admin: AdminClient, wanted: NewTopic) -> None:
        made = admin.create_topics([wanted], request_timeout=self._timeout_s)
        try:
            made[wanted.topic].result()
        except KafkaException as error:
            code = error.args[0].code()
            # Another run, or an earlier try of this one, was quicker.
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            if code in PASSING:
                raise
            raise RefusedError(
                f"the topic {wanted.topic} can't be made ({error.args[0].str()})",
                "Make it with cleanup.policy=compact, or grant Create",
            ) from error
