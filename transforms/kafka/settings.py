"""How to reach a Kafka cluster, and what it says of a topic; knows no vendor's client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transforms.errors import ConfigurationError

#: The value of ``sasl.oauthbearer.method`` that is ours, not librdkafka's.
MSK_IAM: Final = "aws-msk-iam"

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
