"""The consumer of a stream in memory, and the clock that it waits by."""

from tests.fakes.broker import FakeBroker, FakePartition
from transforms.kafka.messages import Arrival


class FakeClock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


class FakeStreamClient:
    """Stands for ``StreamConsumer``: reads the logs of a fake cluster.

    As librdkafka does, it tells the end of a log when it comes there, and after an offset that is
    gone it gives nothing more until it is started anew. A poll without news takes its whole time.

    Attributes:
        started: Where partitions were started, in order.
        stopped: Partitions that were stopped, in order.
        polls: Calls of ``poll``.
        progress: The fences that were shown to lag monitors.
        extra: Given out by the next poll before all else.
        closed: Whether it has left the cluster.
    """

    def __init__(self, broker: FakeBroker, clock: FakeClock) -> None:
        self._broker = broker
        self._clock = clock
        self._at: dict[tuple[str, int], int] = {}
        self._told_end: set[tuple[str, int]] = set()
        self.started: list[tuple[int, int]] = []
        self.stopped: list[int] = []
        self.polls = 0
        self.progress: list[int] = []
        self.extra: list[Arrival] = []
        self.closed = False

    def start(self, topic: str, partition: int, offset: int) -> None:
        assert (topic, partition) not in self._at, "started twice"
        self._at[topic, partition] = offset
        self._told_end.discard((topic, partition))
        self.started.append((partition, offset))

    def stop(self, topic: str, partition: int) -> None:
        del self._at[topic, partition]
        self.stopped.append(partition)

    def poll(self, most: int, timeout_s: float) -> list[Arrival]:
        self.polls += 1
        made, self.extra = self.extra, []
        if not self._broker.away:
            for place in list(self._at):
                made += self._read(*place, most)
        self._clock.move(0.01 if made else timeout_s)
        return made

    def note_progress(self, topic: str, partition: int, fence: int) -> None:
        self.progress.append(fence)

    def close(self) -> None:
        self.closed = True

    def _read(self, topic: str, partition: int, most: int) -> list[Arrival]:
        place, log = (topic, partition), self._log(topic, partition)
        at = self._at[place]
        where = {"topic": topic, "partition": partition}
        if at < 0:
            return []
        if at < log.first or at > log.end:
            self._at[place] = -1
            return [Arrival(**where, lost=True)]
        if at == log.end and place in self._told_end:
            return []
        fetched = log.read(at, log.end, most)
        self._at[place] = fetched.end
        self._told_end.discard(place)
        made = [Arrival(**where, table=fetched.messages)] if fetched.messages.num_rows else []
        if fetched.end == log.end:
            self._told_end.add(place)
            made.append(Arrival(**where, end=log.end))
        return made

    def _log(self, topic: str, partition: int) -> FakePartition:
        return self._broker.topics[topic].partitions[partition]
