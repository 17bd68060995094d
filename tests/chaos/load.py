"""A steady producer, and the record of what it has sent."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.pace import Pace
from beam_pipelines.produce.planting import Planting
from beam_pipelines.produce.topics import TopicSpec, topics_with
from tests.oracle.references import REFERENCE_DATASETS

PARTITIONS: Final = 2
TOPICS: Final[Mapping[str, TopicSpec]] = {each.name: each for each in topics_with(PARTITIONS)}
REFERENCES: Final = frozenset(
    name for name, spec in TOPICS.items() if spec.dataset in REFERENCE_DATASETS
)

#: Rows of a topic that are sent before another topic's are.
_SLICE: Final = 20
#: For the last messages to be in the log, after a broker's restart.
_END_S: Final = 180


@dataclass(frozen=True)
class Sent:
    """A message that every reader must find.

    Attributes:
        key: Its key.
        value: Its value.
        headers: Its headers.
        timestamp_ms: Its timestamp.
        planted: What is planted in it, if anything.
    """

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int
    planted: Planting | None


class Load:
    """Sends a generated stream: the references at once, then events at a steady rate.

    Verdicts depend on the references that the lake has when a run begins. They are sent and
    drained before the first event, so that there is one right verdict whatever the run.

    Args:
        servers: Bootstrap servers.
        seed: Same seed, same messages.
        events: Of the whole stream; more than will be sent.
        rate: Messages a second.
        replication: Replicas of a partition.
    """

    def __init__(
        self, servers: str, *, seed: int, events: int, rate: int, replication: int = 1
    ) -> None:
        self._target = KafkaTarget(servers, {}, transactional_id="chaos")
        self._replication = replication
        self._rate = rate
        topics = tuple(TOPICS.values())
        self._chunks: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in generate(seed, events, topics=topics):
            self._chunks[chunk.topic].append(chunk)
        self._enough = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        #: By topic and partition, in the order of the log.
        self.sent: dict[tuple[str, int], list[Sent]] = defaultdict(list)

    def send_references(self) -> None:
        """Makes the topics, and sends what events refer to."""
        self._target.prepare(TOPICS.values(), create=True, replication=self._replication)
        for topic in sorted(REFERENCES):
            for chunk in self._chunks[topic]:
                self._send(chunk)
        self._target.flush()

    def start(self) -> None:
        """Begins with the events."""
        self._thread.start()

    def check(self) -> None:
        """Raises what has ended it too early, if anything has."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Sends no more, and waits until readers see all that was sent."""
        self._enough.set()
        self._thread.join(_END_S)
        assert not self._thread.is_alive(), f"the producer still runs after {_END_S} s"
        self.check()

    def _run(self) -> None:
        try:
            pace = Pace(self._rate)
            for chunk in self._interleaved():
                for piece in pace.pieces(chunk):
                    if self._enough.is_set():
                        return self._target.finish()
                    self._send(piece)
            raise AssertionError("the stream has ended before the faults: give more events")
        except BaseException as error:  # noqa: BLE001 - told by `check`, in the main thread
            self._failure = error

    def _interleaved(self) -> Iterator[Chunk]:
        """Yields the topics of events side by side, each in its own order."""
        placed: list[tuple[float, str, Chunk]] = []
        for topic in TOPICS.keys() - REFERENCES:
            slices = list(_slices(self._chunks[topic]))
            placed += [(n / len(slices), topic, each) for n, each in enumerate(slices)]
        for _, _, chunk in sorted(placed, key=lambda each: each[:2]):
            yield chunk

    def _send(self, chunk: Chunk) -> None:
        self._target.send(chunk)
        if chunk.fate is Fate.ABORTED:
            return
        for row, partition in enumerate(chunk.partitions):
            self.sent[chunk.topic, partition].append(_sent(chunk, row))


def _slices(chunks: Sequence[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        # A transaction stays whole.
        yield from chunk.slices(_SLICE) if chunk.fate is Fate.PLAIN else [chunk]


def _sent(chunk: Chunk, row: int) -> Sent:
    return Sent(
        key=chunk.keys[row],
        value=chunk.values[row],
        headers=tuple(chunk.headers.get(row, ())),
        timestamp_ms=chunk.timestamps_ms[row],
        planted=chunk.planted.get(row),
    )
