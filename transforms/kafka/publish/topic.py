"""The topic that is published to: made if it is missing, refused if it would lose what counts.

Of messages with one key the one that counts need not be the last: after a restart older ones come
again, until they have caught up. And a key may be silent for long and count all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from transforms.errors import RefusedError, TopicMissingError
from transforms.kafka.publish.client import TopicState

_SECOND_MS: Final = 1_000
_UNLIMITED: Final = -1
#: Compaction leaves what is younger alone: a day is longer than any catching up.
_CATCH_UP_S: Final = 86_400
#: What is accepted of a topic that somebody else made: long enough for a restart.
_LEAST_CATCH_UP_S: Final = 3_600


@dataclass(frozen=True, kw_only=True)
class TopicNeeds:
    """What a topic must be.

    Attributes:
        partitions: Of a topic that is made.
        kept_s: For how long after its publication a message may still count, in seconds.
    """

    partitions: int
    kept_s: int

    def config(self) -> dict[str, str]:
        """Returns the settings of a topic that is made: for each key the last message stays."""
        return {
            "cleanup.policy": "compact",
            "min.compaction.lag.ms": str(_CATCH_UP_S * _SECOND_MS),
        }


class Cluster(Protocol):
    """What is asked of the cluster; see ``PublishingBroker``."""

    def state(self, topic: str) -> TopicState:
        """Returns what a topic is."""

    def create(self, topic: str, partitions: int, config: Mapping[str, str]) -> None:
        """Makes a topic."""


def ensure_topic(cluster: Cluster, topic: str, needs: TopicNeeds) -> bool:
    """Makes a topic unless it is there; checks one that is.

    Args:
        cluster: Where.
        topic: Its name.
        needs: What it must be.

    Returns:
        Whether it was made.

    Raises:
        RefusedError: It can't be made, may not be written, or would lose what counts.
        BrokerUnavailableError: The cluster doesn't answer.
    """
    try:
        state = cluster.state(topic)
    except TopicMissingError:
        cluster.create(topic, needs.partitions, needs.config())
        return True
    if not state.writable:
        raise RefusedError(
            f"the topic {topic} may not be written by this user", "Grant Write on the topic"
        )
    check_keeps(topic, state.config, needs)
    return False


def check_keeps(topic: str, config: Mapping[str, str], needs: TopicNeeds) -> None:
    """Checks that neither compaction nor deletion takes what counts.

    Args:
        topic: Its name.
        config: Its settings, as the cluster has them.
        needs: What it must be.

    Raises:
        RefusedError: Names the setting and a value that will do.
    """
    policies = config["cleanup.policy"].split(",")
    least = _LEAST_CATCH_UP_S * _SECOND_MS
    if "compact" in policies and int(config["min.compaction.lag.ms"]) < least:
        raise _unfit(
            topic,
            "compaction may leave an older figure than the one that counts",
            f"min.compaction.lag.ms to {_CATCH_UP_S * _SECOND_MS} ({least} at least)",
        )
    if "delete" not in policies:
        return
    kept = needs.kept_s * _SECOND_MS
    if _UNLIMITED != int(config["retention.ms"]) < kept:
        raise _unfit(
            topic,
            "figures of windows that are still open would be deleted",
            f"retention.ms to {kept} or more, or cleanup.policy to compact",
        )
    if int(config["retention.bytes"]) != _UNLIMITED:
        raise _unfit(
            topic,
            "figures would be deleted by the topic's size, whatever their age",
            "retention.bytes to -1, or cleanup.policy to compact",
        )


def _unfit(topic: str, why: str, remedy: str) -> RefusedError:
    return RefusedError(f"the topic {topic} is not fit: {why}", f"Set {remedy}, or name another")
