"""Clients of librdkafka, whatever they are for: how one is opened, and what its errors mean."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from transforms.errors import (
    BrokerUnavailableError,
    ConfigurationError,
    PipelineError,
    RefusedError,
)
from transforms.kafka import msk
from transforms.kafka.settings import ADMIN_DEFAULTS, CONSUMER_DEFAULTS, BrokerSettings
from transforms.secrets import resolve_all

_log = logging.getLogger(__name__)


class _Client(Protocol):
    def poll(self, timeout: float = ..., /) -> Any: ...


C = TypeVar("C", bound=_Client)

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
#: Errors of the connection or of a broker that is starting; the client goes on by itself.
PASSING: Final = frozenset(
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
#: The broker no longer has the offset; ``auto.offset.reset=error`` makes of it an error.
LOST: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


class Trouble:
    """What a client last reported of its connections; the calls themselves only time out.

    Attributes:
        last: The error that tells most.
        all_down: Whether no broker could be reached.
    """

    def __init__(self) -> None:
        self.last: KafkaError | None = None
        self.all_down = False

    def __call__(self, error: KafkaError) -> None:
        """Takes an error: the client's ``error_cb``."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.all_down = True  # The reason came just before.
        elif self.last is None or self.last.code() not in REFUSALS or error.code() in REFUSALS:
            # A connection that is refused is also lost; which of the two comes last is chance.
            self.last = error

    def forget(self) -> None:
        """Starts anew: what was met before may be over."""
        self.last, self.all_down = None, False


def translated(error: KafkaError, servers: str) -> PipelineError:
    """Maps a librdkafka error to one of ours; its text names hosts and topics, never messages."""
    # When the connection is lost at once, librdkafka takes a refused certificate for that alone.
    untrusted = "certificate verify failed" in error.str()
    remedy = REFUSALS.get(KafkaError._SSL if untrusted else error.code())
    if remedy is not None:
        return RefusedError(f"Kafka at {servers} refuses: {error.str()}", remedy)
    if error.fatal():
        return PipelineError(f"Kafka client failed: {error.str()}", "Start the run again")
    # A listener without TLS closes the connection; so may a broker that dies, so it is no refusal.
    closed = "in state SSL_HANDSHAKE" in error.str()
    return BrokerUnavailableError(
        f"Kafka at {servers} does not answer ({error.str()})",
        "Check whether that listener is a PLAINTEXT one, and the broker"
        if closed
        else "Check --kafka_bootstrap_servers, the network and the broker",
    )


def opened(kind: Callable[..., C], settings: BrokerSettings, **config: Any) -> C:
    """Makes a client of librdkafka.

    Raises:
        ConfigurationError: A setting is unknown, contradicts another or names no readable file.
    """
    connection: dict[str, Any] = resolve_all(settings.config)
    if settings.uses_msk_iam:
        # In a callback it would only be logged that there is no token: once here, by its reason.
        msk.token()
        del connection["sasl.oauthbearer.method"]
        connection.update({"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": msk.token})
    base = {"bootstrap.servers": settings.bootstrap_servers, "log_level": 2}
    try:
        client = kind({**config, **base, **connection})
    except KafkaException as error:
        reason = settings.without_secrets(str(error.args[0].str()), connection)
        raise ConfigurationError(
            f"the Kafka client can't be made: {reason}", "Check kafka.config"
        ) from None
    if settings.uses_msk_iam:
        # The token is asked for in poll(); other calls would wait for one for ever.
        client.poll(0)
    return client


def opened_consumer(settings: BrokerSettings, **config: Any) -> Consumer:
    """Makes a consumer.

    Args:
        settings: The cluster.
        config: What it needs otherwise than other consumers; an operator's sizes go before it.

    Raises:
        ConfigurationError: See ``opened``.
    """
    return opened(
        Consumer, settings, **{**CONSUMER_DEFAULTS, "group.id": settings.group_id, **config}
    )


def opened_admin(settings: BrokerSettings, **config: Any) -> AdminClient:
    """Makes a client that asks questions of the cluster.

    Args:
        settings: The cluster.
        config: What it needs beside; an operator's settings go before it.

    Raises:
        ConfigurationError: See ``opened``.
    """
    return opened(AdminClient, settings, **{**ADMIN_DEFAULTS, **config})


def show_progress(consumer: Consumer, topic: str, partition: int, fence: int) -> None:
    """Shows the fence to lag monitors, without waiting; a failure is of no consequence."""
    try:
        consumer.commit(offsets=[TopicPartition(topic, partition, fence)], asynchronous=True)
    except KafkaException:
        _log.debug("progress of %s[%d] not shown to lag monitors", topic, partition)
