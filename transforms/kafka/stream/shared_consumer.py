"""One consumer for all partitions of a process, and one budget for what it reads ahead.

Flink runs several threads in one Python process, each with partitions of its own. Whoever is first
polls for all of them and sorts what comes into the buffers; the others find theirs filled.
"""

import threading
from collections.abc import Callable
from typing import Final, Protocol

from transforms.kafka.messages import Arrival, Fetched
from transforms.kafka.reader import SegmentLimits
from transforms.kafka.stream.buffers import PartitionBuffer

#: One round of polling: a checkpoint waits for the call that polls, so it must be short.
ROUND_S: Final = 1.0
#: After a round that made no segment due for its own call, calls within this time don't poll: one
#: bundle calls each of its partitions, and would otherwise take a round for each.
REST_S: Final = 0.5
#: One call's worth of messages, and how long it waits for them.
POLL_MESSAGES: Final = 2_000
POLL_S: Final = 0.1
#: A partition that nobody asks for so long was given to another process, or its stage is stuck.
FORGOTTEN_S: Final = 60.0


class Client(Protocol):
    """The vendor's consumer; see ``StreamConsumer``."""

    def start(self, topic: str, partition: int, offset: int) -> None:
        """Begins to fetch a partition."""

    def stop(self, topic: str, partition: int) -> None:
        """Ends fetching a partition."""

    def poll(self, most: int, timeout_s: float) -> list[Arrival]:
        """Returns what comes of all partitions."""

    def note_progress(self, topic: str, partition: int, fence: int) -> None:
        """Shows the fence to lag monitors."""

    def close(self) -> None:
        """Leaves the cluster."""


class SharedConsumer:
    """Fills the buffers of a process.

    Guarantees: the buffers together hold at most the budget and one poll more. A buffer is filled
    without a hole from its first offset on. All methods may be called from any thread; none takes
    longer than about a round.

    Args:
        client: The vendor's consumer.
        limits: When a segment is large enough: no buffer is filled beyond two of them.
        max_age_s: When the oldest message of a buffer has waited long enough, in seconds.
        budget: Bytes that all buffers may hold.
        clock: A clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        client: Client,
        limits: SegmentLimits,
        max_age_s: float,
        budget: int,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._limits = limits
        self._max_age_s = max_age_s
        self._budget = budget
        self._clock = clock
        # Held while the client is used. So no thread has a batch in its hand, read before a
        # partition was moved to another offset, and sorts it in after that.
        self._polling = threading.Lock()
        # Held for a moment, round each use of the buffers.
        self._lock = threading.Lock()
        self._buffers: dict[tuple[str, int], PartitionBuffer] = {}
        self._rests_until = clock()

    def follow(self, topic: str, partition: int, fence: int, first: int) -> PartitionBuffer:
        """Begins to read a partition, or begins anew elsewhere.

        Args:
            topic: Topic name.
            partition: Partition number.
            fence: Where the next segment begins.
            first: First offset to read; what lies between the two is gone.
        """
        with self._polling:
            self._forget(topic, partition)
            self._client.start(topic, partition, first)
            made = PartitionBuffer(topic, partition, fence, first, self._clock())
            with self._lock:
                self._buffers[topic, partition] = made
            return made

    def leave(self, buffer: PartitionBuffer) -> None:
        """Stops reading a partition, unless somebody else follows it by now."""
        with self._polling:
            if self.has(buffer):
                self._forget(buffer.topic, buffer.partition)

    def has(self, buffer: PartitionBuffer) -> bool:
        """Whether the buffer is still being filled."""
        with self._lock:
            return self._buffers.get((buffer.topic, buffer.partition)) is buffer

    def gather(self, buffer: PartitionBuffer) -> bool:
        """Polls until the buffer becomes due, but not longer than a round.

        A buffer that has reached its log's end keeps no other one waiting that is due.

        Returns:
            Whether a segment of this buffer is due.
        """
        buffer.asked = self._clock()
        if self._due(buffer):
            return True
        with self._polling:
            if self._clock() >= self._rests_until:
                self._tidy()
                self._poll(buffer)
        return self._due(buffer)

    def head(self, buffer: PartitionBuffer) -> Fetched:
        """Returns the messages of the buffer's next segment."""
        with self._lock:
            return buffer.head(self._limits.messages)

    def drop(self, buffer: PartitionBuffer, offset: int) -> None:
        """Forgets the messages below an offset."""
        with self._lock:
            buffer.drop(offset)

    def note_progress(self, buffer: PartitionBuffer, fence: int) -> None:
        """Shows the fence to lag monitors."""
        self._client.note_progress(buffer.topic, buffer.partition, fence)

    def close(self) -> None:
        """Leaves the cluster."""
        with self._polling, self._lock:
            self._buffers.clear()
            self._client.close()

    def _poll(self, buffer: PartitionBuffer) -> None:
        deadline = self._clock() + ROUND_S
        while not self._is_full():
            # The others of a bundle are called one after another: none may wait for messages that
            # nobody has sent yet, while those of the next one are here.
            hurried = buffer.at_end and self._any_due()
            for arrival in self._client.poll(POLL_MESSAGES, 0 if hurried else POLL_S):
                self._sort_in(arrival)
            if hurried or self._due(buffer):
                return
            if self._clock() >= deadline:
                self._rests_until = self._clock() + REST_S
                return

    def _sort_in(self, arrival: Arrival) -> None:
        with self._lock:
            buffer = self._buffers.get((arrival.topic, arrival.partition))
            if buffer is None:
                return
            buffer.add(arrival, self._clock())
            # To stop throws away what is on its way, so there is one segment more than is due.
            stop = self._holds(buffer, 2) and not buffer.paused
            buffer.paused = buffer.paused or stop
        if stop:
            self._client.stop(arrival.topic, arrival.partition)

    def _tidy(self) -> None:
        """Resumes what has room again, and forgets what nobody asks for."""
        with self._lock:
            buffers = list(self._buffers.values())
        for each in buffers:
            if self._clock() - each.asked > FORGOTTEN_S:
                self._forget(each.topic, each.partition)
            elif each.paused and not self._holds(each, 2):
                self._client.start(each.topic, each.partition, each.end)
                each.paused = False

    def _forget(self, topic: str, partition: int) -> None:
        with self._lock:
            buffer = self._buffers.pop((topic, partition), None)
        if buffer is not None and not buffer.paused:
            self._client.stop(topic, partition)

    def _due(self, buffer: PartitionBuffer) -> bool:
        with self._lock:
            return self._is_due(buffer)

    def _any_due(self) -> bool:
        with self._lock:
            return any(map(self._is_due, self._buffers.values()))

    def _is_due(self, buffer: PartitionBuffer) -> bool:
        if buffer.error is not None:
            return True
        if buffer.empty:
            return False
        old = self._clock() - buffer.since >= self._max_age_s
        return old or buffer.lost or self._holds(buffer, 1) or self._must_make_room(buffer)

    def _holds(self, buffer: PartitionBuffer, segments: int) -> bool:
        limits = self._limits
        enough = segments * limits.messages, segments * limits.bytes
        return buffer.messages >= enough[0] or buffer.bytes >= enough[1]

    def _must_make_room(self, buffer: PartitionBuffer) -> bool:
        # No smaller than the mean: there always is one such, and one suffices for a while.
        held = self._held()
        return held >= self._budget and buffer.bytes * len(self._buffers) >= held

    def _is_full(self) -> bool:
        with self._lock:
            return self._held() >= self._budget

    def _held(self) -> int:
        return sum(each.bytes for each in self._buffers.values())
