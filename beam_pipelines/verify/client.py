"""What verification asks of Kafka beyond what the pipeline does."""

from collections.abc import Callable
from typing import Final

import pyarrow as pa
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    ResourceType,
)

from transforms.errors import BrokerUnavailableError, TopicMissingError
from transforms.kafka import Broker, BrokerSettings
from transforms.kafka.client import ADMIN_TIMEOUT_S, PartitionConsumer
from transforms.lake import PartitionId
from transforms.lake.verify import TopicOnBroker
from transforms.segment import MESSAGES_SCHEMA

#: One fetch's worth: large enough to be fast, small enough to hold two in memory.
FETCH_MESSAGES: Final = 50_000
FETCH_BYTES: Final = 32_000_000


class InspectingBroker(Broker):
    """A broker that also tells how a topic is cleaned up."""

    def compacted(self, topic: str) -> bool:
        """Tells whether messages of a topic may vanish from the middle of its log."""
        return self._patiently(lambda admin: self._compacted(admin, topic))

    def _compacted(self, admin: AdminClient, topic: str) -> bool:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        asked = admin.describe_configs([resource], request_timeout=ADMIN_TIMEOUT_S)
        return "compact" in str(asked[resource].result()["cleanup.policy"].value)


class KafkaView:
    """The broker as verification sees it; see ``BrokerView``.

    Args:
        settings: How to reach it.
        patience_s: How long an outage is waited out.
    """

    def __init__(self, settings: BrokerSettings, patience_s: float) -> None:
        self._broker = InspectingBroker(settings, patience_s=patience_s)
        self._consumer = PartitionConsumer(settings)
        self._reading: PartitionReading | None = None

    def close(self) -> None:
        """Leaves the cluster."""
        self._consumer.close()

    def topic(self, name: str) -> TopicOnBroker | None:
        """Returns the topic, or None if the broker has none of that name."""
        try:
            facts = self._broker.describe([name])[0]
        except TopicMissingError:
            return None
        return TopicOnBroker(
            topic_id=facts.topic_id,
            cluster_id=facts.cluster_id,
            earliest=self._broker.earliest(facts),
            stable_end=self._broker.stable_end(facts),
            compacted=self._broker.compacted(name),
        )

    def read(self, owner: PartitionId, start: int, end: int, fence: int) -> pa.Table:
        """Returns the committed messages in ``[start, end)`` that the broker still has."""
        if self._reading is None or self._reading.owner != owner:
            self._reading = PartitionReading(self._consumer, owner, fence, self._earliest)
        return self._reading.read(start, end)

    def _earliest(self, owner: PartitionId) -> int:
        facts = self._broker.describe([owner.topic])[0]
        return self._broker.earliest(facts)[owner.partition]


class PartitionReading:
    """Reads one partition forward, and cuts what it reads into the ranges asked for.

    Args:
        consumer: Reads committed messages.
        owner: The partition.
        limit: Offset at which its log ended when we came.
        earliest: Asks the broker for the first offset that it still has.
    """

    def __init__(
        self,
        consumer: PartitionConsumer,
        owner: PartitionId,
        limit: int,
        earliest: Callable[[PartitionId], int],
    ) -> None:
        self.owner = owner
        self._consumer = consumer
        self._limit = limit
        self._earliest = earliest
        self._at = -1
        self._held = MESSAGES_SCHEMA.empty_table()

    def read(self, start: int, end: int) -> pa.Table:
        """Returns the messages in a range; ranges must be asked for in order."""
        if start > self._at or self._at < 0:
            self._at, self._held = start, self._held.slice(0, 0)
        while self._at < end:
            self._read_on()
        offsets = self._held.column("offset").to_numpy()
        first, after = offsets.searchsorted((start, end))
        found = self._held.slice(first, after - first)
        self._held = self._held.slice(after)
        return found

    def _read_on(self) -> None:
        fetched = self._consumer.fetch(
            self.owner.topic,
            self.owner.partition,
            self._at,
            self._limit,
            FETCH_MESSAGES,
            FETCH_BYTES,
        )
        if fetched.end > self._at:
            self._held = pa.concat_tables([self._held, fetched.messages])
            self._at = fetched.end
            return
        earliest = self._earliest(self.owner)
        if earliest <= self._at:
            raise BrokerUnavailableError(
                f"{self.owner} gives no messages from offset {self._at} on", "Run it again"
            )
        self._at = min(earliest, self._limit)
