"""librdkafka for many partitions at a time: the one module of this folder that knows it."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from transforms.errors import RefusedError
from transforms.kafka.connection import LOST, PASSING, opened_consumer, show_progress, translated
from transforms.kafka.messages import Arrival, collector_paused, runs, to_arrow
from transforms.kafka.settings import BrokerSettings
from transforms.lake.setbacks import is_told
from transforms.metrics import ALARMS, tell

_log = logging.getLogger(__name__)

#: At the end of all logs each broker is asked so often, for ever. What is produced comes at once
#: all the same; only a partition that is started waits until the fetch under way ends.
FETCH_WAIT_MS: Final = 200


class StreamConsumer:
    """Reads many partitions, each in order from the offset at which it was started.

    Not safe for use by two threads at once: a batch in one thread's hand must not outlive another
    thread's ``stop``.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._refusals = 0
        self._consumer = opened_consumer(
            settings, **{"fetch.wait.max.ms": FETCH_WAIT_MS, "error_cb": self._tell}
        )

    def start(self, topic: str, partition: int, offset: int) -> None:
        """Begins to fetch a partition that is not being fetched.

        Raises:
            PipelineError: The client can't.
        """
        try:
            self._consumer.incremental_assign([TopicPartition(topic, partition, offset)])
        except KafkaException as error:
            raise translated(error.args[0], self._settings.bootstrap_servers) from error

    def stop(self, topic: str, partition: int) -> None:
        """Ends fetching a partition; what has been fetched ahead of it is thrown away."""
        self._consumer.incremental_unassign([TopicPartition(topic, partition)])

    def poll(self, most: int, timeout_s: float) -> list[Arrival]:
        """Returns what comes of all partitions within a time.

        Args:
            most: Enough messages.
            timeout_s: Longest wait, in seconds.

        Returns:
            Any number of arrivals of each partition, in order. An outage shows as none.
        """
        with collector_paused():
            batch = self._consumer.consume(most, timeout_s)
            good = [message for message in batch if message.error() is None]
            made = [
                Arrival(topic=topic, partition=partition, table=to_arrow(same))
                for topic, partition, same in runs(good)
            ]
        if len(good) < len(batch):
            made.extend(self._reports(batch))
        return made

    def note_progress(self, topic: str, partition: int, fence: int) -> None:
        """Shows the fence to lag monitors; see ``show_progress``."""
        show_progress(self._consumer, topic, partition, fence)

    def close(self) -> None:
        """Leaves the cluster."""
        self._consumer.close()

    def _reports(self, batch: Sequence[Message]) -> Iterator[Arrival]:
        for message in batch:
            error, topic, partition = message.error(), message.topic(), message.partition()
            if error is None:
                continue
            if topic is None or partition is None or partition < 0:
                self._tell(error)
            elif error.code() == KafkaError._PARTITION_EOF:
                yield Arrival(topic=topic, partition=partition, end=message.offset())
            elif error.code() in LOST:
                yield Arrival(topic=topic, partition=partition, lost=True)
            elif not error.retriable() and error.code() not in PASSING:
                failure = translated(error, self._settings.bootstrap_servers)
                yield Arrival(topic=topic, partition=partition, error=failure)

    def _tell(self, error: KafkaError) -> None:
        # Of the whole connection. The client goes on trying, and so the stream waits: a broker
        # that restarts may refuse the right password.
        failure = translated(error, self._settings.bootstrap_servers)
        if not isinstance(failure, RefusedError):
            return
        self._refusals += 1
        if is_told(self._refusals):
            _log.error("ALARM: %s (%d times)", failure, self._refusals)
            tell(ALARMS, 1, alarm="connection")
