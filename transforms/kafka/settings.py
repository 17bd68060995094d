"""How to reach a Kafka cluster, and what it says of a topic; knows no vendor's client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from transforms.errors import ConfigurationError
from transforms.secrets import is_reference

#: The value of ``sasl.oauthbearer.method`` that is ours, not librdkafka's.
MSK_IAM: Final = "aws-msk-iam"

#: Settings on which exactness hangs; a configuration can't change them.
PINNED: Final = frozenset(
    {"isolation.level", "auto.offset.reset", "enable.auto.commit", "enable.partition.eof"}
)

#: How a partition is read where the configuration does not say otherwise.
CONSUMER_DEFAULTS: Final[Mapping[str, Any]] = {
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

#: How a client that only asks questions is opened.
ADMIN_DEFAULTS: Final[Mapping[str, Any]] = {
    # With it, a question for a broker that is down makes librdkafka (2.11 to 2.16 at least) connect
    # again without a pause: some 10,000 times a second, on a core of its own, until it is back.
    "enable.sparse.connections": False,
}


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
        self.check_unset(PINNED, "Exactly-once reading hangs on it")

    def check_unset(self, names: Iterable[str], why: str) -> None:
        """Checks that librdkafka settings are left as they are.

        Args:
            names: Of settings that a configuration can't change.
            why: What hangs on them.

        Raises:
            ConfigurationError: Names the first that is set.
        """
        pinned = self.config.keys() & names
        if pinned:
            raise ConfigurationError(
                f"the librdkafka setting {min(pinned)} can't be changed", f"{why}: take it out"
            )

    def without_secrets(self, text: str, resolved: Mapping[str, Any]) -> str:
        """Blanks out resolved secrets: librdkafka quotes a value that it can't use.

        Args:
            text: What it said.
            resolved: The settings with their references resolved.
        """
        for name, reference in self.config.items():
            secret = resolved.get(name)
            if is_reference(reference) and secret:
                text = text.replace(str(secret), "...")
        return text

    @property
    def uses_msk_iam(self) -> bool:
        """Whether the worker signs in to Amazon MSK with its IAM role."""
        return self.config.get("sasl.oauthbearer.method") == MSK_IAM


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """A topic as the cluster describes it now."""

    topic: str
    topic_id: str
    cluster_id: str
    partitions: tuple[int, ...]
