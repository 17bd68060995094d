"""``PublishToKafka``: messages to a topic, at least once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import PCollection, PDone
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Duration

from transforms.errors import ConfigurationError
from transforms.kafka.publish.client import PINNED, KafkaPublisher, Message, Undelivered
from transforms.kafka.settings import BrokerSettings
from transforms.lake.setbacks import Setback
from transforms.metrics import PUBLISHED_MESSAGES, PUT_OFF_MESSAGES, tell
from transforms.short_calls import OneClaim, check_call_s

#: Messages of one element that is put off: it is a key of the runner's state.
_TOGETHER: Final = 500
#: How often what was put off asks whether it is time to try again.
_NEXT_CALL_S: Final = 5


@dataclass(frozen=True, kw_only=True)
class PublishConfig:
    """Where to publish.

    Attributes:
        broker: The cluster.
        topic: An existing topic.
        call_s: For how long one call waits for the cluster, in seconds: a few in a stream, whose
            checkpoints wait for the call. None: for the cluster's patience, as in a drain; the only
            way on Spark, which can't defer a call.
    """

    broker: BrokerSettings
    topic: str
    call_s: float | None = None

    def __post_init__(self) -> None:
        if not self.topic:
            raise ConfigurationError("topic must be a topic's name, got nothing", "Set it")
        check_call_s(self.call_s, 5)
        self.broker.check_unset(PINNED, "What is published must neither be lost nor change places")

    def publisher(self) -> KafkaPublisher:
        """Returns a client for this process."""
        patience_s = self.broker.patience_s if self.call_s is None else self.call_s
        return KafkaPublisher(self.broker, self.topic, patience_s)


class PublishToKafka(beam.PTransform[PCollection[Message], PDone]):
    """Publishes messages, each a key and a value.

    Guarantees: each at least once. Within one attempt none is lost, doubled or overtaken by another
    of its key; after a failure a bundle is published again, and messages that were put off may be
    overtaken by others. So consumers must know by the message which one counts. Bounded or not,
    parallel. In a stream an outage of the cluster ends nothing: what can't be published is put off,
    in the runner's state, and tried again for as long as it takes.

    Args:
        config: Where to.
    """

    def __init__(self, config: PublishConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, messages: PCollection[Message]) -> PDone:
        """Adds the sending and, in a stream, what is put off."""
        put_off = (
            messages
            | "Globally" >> beam.WindowInto(GlobalWindows())
            | "Send" >> beam.ParDo(_SendFn(self._config))
        )
        if self._config.call_s is not None:
            _ = put_off | "SendAgain" >> beam.ParDo(_SendAgainFn(self._config))
        return PDone(messages.pipeline)

    def display_data(self) -> dict[str, Any]:
        """Shows address and topic; secrets are references or stay out."""
        return {
            "bootstrap_servers": self._config.broker.bootstrap_servers,
            "topic": self._config.topic,
        }


class _SendFn(beam.DoFn):
    """Sends a bundle's messages and waits for them; what isn't delivered is put off."""

    def __init__(self, config: PublishConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._publisher = self._config.publisher()
        self._setback = Setback(f"publishing to {self._config.topic}", time.monotonic)

    def start_bundle(self) -> None:
        self._count = 0
        self._waiting: list[Message] | None = [] if self._setback.waiting else None

    def process(self, message: Message) -> Iterator[list[Message]]:
        self._count += 1
        if self._waiting is None:
            self._publisher.send(message)
        else:
            self._waiting.append(message)
        yield from ()

    def finish_bundle(self) -> Iterator[Any]:
        left = self._left()
        tell(PUBLISHED_MESSAGES, self._count - len(left), topic=self._config.topic)
        tell(PUT_OFF_MESSAGES, len(left), topic=self._config.topic)
        for at in range(0, len(left), _TOGETHER):
            yield GlobalWindows.windowed_value(left[at : at + _TOGETHER])

    def _left(self) -> list[Message]:
        if self._waiting is not None:
            return self._waiting
        if not self._count:
            return []
        undelivered = self._publisher.flush()
        if undelivered is None:
            self._setback.over()
            return []
        if self._config.call_s is None:
            raise undelivered.reason
        self._setback.note(undelivered.reason)
        return list(undelivered.messages)


class _SendAgainFn(beam.DoFn):
    """Tries what was put off, again and again."""

    def __init__(self, config: PublishConfig) -> None:
        self._config = config

    def setup(self) -> None:
        # Most often nothing is put off, so the client is made when something is.
        self._publisher: KafkaPublisher | None = None
        self._setback = Setback(f"publishing again to {self._config.topic}", time.monotonic)

    def process(
        self,
        messages: list[Message],
        tracker: Any = beam.DoFn.RestrictionParam(OneClaim()),  # noqa: B008
    ) -> None:
        if self._setback.waiting or self._tried(messages) is not None:
            tracker.defer_remainder(Duration(_NEXT_CALL_S))
        else:
            tell(PUBLISHED_MESSAGES, len(messages), topic=self._config.topic)
            tracker.try_claim(0)

    def _tried(self, messages: list[Message]) -> Undelivered | None:
        if self._publisher is None:
            self._publisher = self._config.publisher()
        for message in messages:
            self._publisher.send(message)
        undelivered = self._publisher.flush()
        if undelivered is None:
            self._setback.over()
        else:
            self._setback.note(undelivered.reason)
        return undelivered
