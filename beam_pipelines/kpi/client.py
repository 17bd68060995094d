"""Following a topic without a position of one's own: librdkafka's consumer."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from confluent_kafka import KafkaError, TopicPartition

from transforms.kafka import Broker, BrokerSettings
from transforms.kafka.connection import PASSING, Trouble, opened_consumer, translated

_BATCH: Final = 2_000
#: What there is comes at once; a longer wait would only delay whoever shows it.
_WAIT_S: Final = 0.1


class TopicFollower:
    """Reads the values of a topic's messages, all or those from a time on, and then the new ones.

    Partitions that the topic gains later are not read.

    Args:
        settings: The cluster.
        topic: The topic's name.
        since: Messages before are left out; none are by default.
        patience_s: For how long an outage is waited out before anything was read, in seconds.

    Raises:
        TopicMissingError: There is none.
        BrokerUnavailableError: The cluster doesn't answer.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        topic: str,
        *,
        since: datetime | None = None,
        patience_s: float,
    ) -> None:
        broker = Broker(settings, patience_s=patience_s)
        (facts,) = broker.describe([topic])
        starts = broker.earliest(facts)
        if since is not None:
            starts = broker.at_time(facts, int(since.timestamp() * 1000))
        self._servers = settings.bootstrap_servers
        self._trouble = Trouble()
        # Of what was deleted meanwhile there is nothing to show.
        self._consumer = opened_consumer(
            settings, **{"auto.offset.reset": "earliest", "error_cb": self._trouble}
        )
        self._consumer.assign([TopicPartition(topic, p, start) for p, start in starts.items()])
        self._behind = set(starts)

    @property
    def has_all(self) -> bool:
        """Whether each partition was read to its end, at some time."""
        return not self._behind

    def read(self, call_s: float) -> Iterator[bytes]:
        """Yields the values of messages that have come, for so long at most, in seconds.

        Raises:
            RefusedError: This user may not read the topic.
        """
        deadline = time.monotonic() + call_s
        while batch := self._consumer.consume(_BATCH, _WAIT_S):
            for message in batch:
                if (error := message.error()) is not None:
                    self._note(error, message.partition())
                elif (value := message.value()) is not None:
                    yield value
            if time.monotonic() >= deadline:
                return

    def close(self) -> None:
        """Leaves the cluster."""
        self._consumer.close()

    def _note(self, error: KafkaError, partition: int | None) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._behind.discard(partition)
        elif error.code() not in PASSING:
            raise translated(self._trouble.last or error, self._servers)
