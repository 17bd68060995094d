"""One partition of a stream: gathers segments over many short calls, as the fence rules."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from transforms.crash_points import crash_point
from transforms.errors import RetryableError
from transforms.kafka.caution import Caution, Rehearse
from transforms.kafka.config import StreamSettings
from transforms.kafka.discovery import PartitionTask, check_log_reaches
from transforms.kafka.figures import tell_lag
from transforms.kafka.reader import check_identity, check_log, check_stalls
from transforms.kafka.settings import TopicFacts
from transforms.kafka.stream.buffers import PartitionBuffer
from transforms.kafka.stream.shared_consumer import SharedConsumer
from transforms.lake.attempts import Attempts
from transforms.lake.genesis import known_topic_ids
from transforms.lake.lanes import Lane
from transforms.lake.setbacks import Setback
from transforms.segment import Segment

#: How often the broker is asked how far a partition is behind, in seconds: as often as it is looked
#: at, and seldom enough to cost nothing.
LAG_EVERY_S: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What came of one call.

    Attributes:
        segment: What is to be claimed and given out; None while it is still being gathered.
        more: There is more to read at once.
        quiet_at: All that the broker had at this time, in seconds since 1970, is committed.
        over: Nothing can ever come of the partition any more.
    """

    segment: Segment | None = None
    more: bool = False
    quiet_at: float | None = None
    over: bool = False


class Questions(Protocol):
    """What a stream asks of the cluster; see ``Broker``."""

    def topic_id(self, topic: str) -> str:
        """Returns the topic's id as it is now."""

    def earliest(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the first offset that the broker still has."""

    def stable_end(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the last stable offset."""

    def high_watermark(self, facts: TopicFacts) -> dict[int, int]:
        """Returns per partition the end of the log, open transactions included."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the partitions of one process share.

    Attributes:
        broker: Answers at once or not at all.
        consumer: Fills the buffers.
        settings: Of the stream.
        rehearse: Tries a segment that processes may have died of; None if nothing can.
        clock: A clock that only goes forward, in seconds.
        now: The time, in seconds since 1970.
    """

    broker: Questions
    consumer: SharedConsumer
    settings: StreamSettings
    rehearse: Rehearse | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


class _AdoptedError(Exception):
    """The topic was made again, and the new one was adopted: it has partitions of its own."""


class PartitionStream:
    """Where a partition stands in this process.

    Guarantees: each segment begins at the fence, and is given out only when the one before it is
    durable or lost; so at most one is in flight. A call that does not go on from the last one reads
    the fence from the chain, and what was read ahead is thrown away unless it begins there. It need
    not be thrown away for the restriction alone: after a restore Flink may have a partition twice,
    and two elements that took turns would never let a segment become old enough.
    A failure ends no call: it is reported through the lane, and the partition tried again later.

    Args:
        task: The partition.
        lane: Shared with the sink.
        around: What it shares with the others.
    """

    def __init__(self, task: PartitionTask, lane: Lane, around: Surroundings) -> None:
        self._task = task
        self._lane = lane
        self._around = around
        self._facts = TopicFacts(
            topic=task.topic, topic_id=task.topic_id, cluster_id="", partitions=(task.partition,)
        )
        # After a restart of the job the last call of the one before may still be under way.
        self._lock = threading.Lock()
        self._setback = Setback(str(task.owner), around.clock)
        self._begun = False
        self._noted: Exception | None = None
        self._buffer: PartitionBuffer | None = None
        self._caution: tuple[int, Caution] | None = None
        self._gaps: tuple[tuple[int, int], ...] = ()
        self._position = self._durable = self._expected = 0
        self._stalls = self._losses = 0
        self._news_at = self._lag_at = around.clock()

    def turn(self, hint: int) -> Turn:
        """Reads on for about a second; returns a segment if one is due.

        Args:
            hint: Where the restriction begins. It tells whether this call goes on from the last
                one; where the segment begins is for the fence alone to say.
        """
        with self._lock:
            if self._setback.waiting:
                return Turn()
            try:
                return self._turn(hint)
            except _AdoptedError:
                self._leave()
                return Turn(over=True)
            except Exception as error:  # noqa: BLE001 - other partitions go on
                self._failed(error)
                return Turn()

    def _turn(self, hint: int) -> Turn:
        self._take_up_lane()
        buffer = self._buffer
        if buffer is None or not self._goes_on(buffer, hint):
            buffer = self._begin(hint)
        self._ask_for_lag()
        if not self._around.consumer.gather(buffer):
            return Turn(quiet_at=self._quiet_at(), more=not buffer.at_end)
        if buffer.error is not None:
            raise buffer.error
        segment = self._next(buffer, hint)
        return Turn(segment=segment, more=not buffer.at_end or not buffer.empty)

    def _take_up_lane(self) -> None:
        if not self._begun:
            self._lane.begin(wanted=0)
            self._begun = True
        self._lane.wait()
        failure = self._lane.failure
        if failure is None:
            return
        if failure is not self._noted:
            raise failure  # The sink's, since the last call.
        self._lane.resume()

    def _goes_on(self, buffer: PartitionBuffer, hint: int) -> bool:
        goes_on = hint == self._expected
        if not goes_on:
            self._lane.chain.reload()
            self._expected = hint
        fence = self._lane.fence
        if not self._around.consumer.has(buffer):
            return False
        if fence != self._position:
            # Lost to another writer, never written, or restored from an earlier state.
            self._stalls = self._stalls + 1 if goes_on and fence < self._position else 0
            check_stalls(self._task, self._stalls)
            return False
        if fence != self._durable:
            self._advanced(buffer, fence)
        if buffer.lost and buffer.empty:
            # Retention or truncation: the broker's answers at the new beginning will tell.
            self._losses += 1
            check_log(self._task, fence, self._losses)
            return False
        return True

    def _advanced(self, buffer: PartitionBuffer, fence: int) -> None:
        self._durable = fence
        self._stalls = 0
        self._setback.over()
        self._around.consumer.note_progress(buffer, fence)

    def _begin(self, hint: int) -> PartitionBuffer:
        """Goes to the fence, wherever that is now."""
        self._leave()
        broker, partition = self._around.broker, self._task.partition
        self._lane.chain.reload()
        fence = self._lane.fence
        self._check_identity()
        end = broker.stable_end(self._facts)[partition]
        check_log_reaches(self._facts, partition, fence, end)
        self._tell_lag(fence, end)
        first = max(fence, broker.earliest(self._facts)[partition])
        if self._caution is None or self._caution[0] != fence:
            attempts = Attempts(self._lane.chain.store, self._task.owner, fence)
            self._caution = fence, Caution(attempts, self._around.rehearse)
        self._gaps = ((fence, first),) if first > fence else ()
        self._position = self._durable = fence
        self._expected = hint
        buffer = self._around.consumer.follow(self._task.topic, partition, fence, first)
        self._buffer = buffer
        return buffer

    def _check_identity(self) -> None:
        current = self._around.broker.topic_id(self._task.topic)
        if current != self._task.topic_id and current in known_topic_ids(
            self._lane.chain.store, self._task.topic
        ):
            raise _AdoptedError
        check_identity(self._task, current)

    def _next(self, buffer: PartitionBuffer, hint: int) -> Segment:
        crash_point("read.before_segment")
        fetched = self._around.consumer.head(buffer)
        # It was the right one when the partition was taken up, and ids never come back.
        self._check_identity()
        segment = Segment(
            topic=self._task.topic,
            topic_id=self._task.topic_id,
            partition=self._task.partition,
            start=self._position,
            end=fetched.end,
            messages=fetched.messages,
            gaps=self._gaps,
        )
        assert self._caution is not None
        segment = self._caution[1].passed(segment)
        self._around.consumer.drop(buffer, segment.end)
        self._gaps = ()
        self._position = segment.end
        self._expected = max(hint, segment.end)
        self._losses = 0
        self._news_at = self._around.clock()
        crash_point("read.after_segment")
        return segment

    def _quiet_at(self) -> float | None:
        """Returns a time before which nothing was produced that is not committed, if there is one.

        The client tells of the end of a log once, and of an outage not at all: so it is the broker
        who is asked, now and then.
        """
        around = self._around
        if around.clock() - self._news_at < around.settings.idle_after_s:
            return None
        self._news_at = around.clock()
        asked_at = around.now()
        end = around.broker.high_watermark(self._facts)[self._task.partition]
        self._setback.over()
        # What is being gathered, or belongs to an open transaction, lies above the fence: it will
        # come, with older times.
        return asked_at if end == self._position else None

    def _ask_for_lag(self) -> None:
        around = self._around
        if around.clock() - self._lag_at < LAG_EVERY_S:
            return
        try:
            end = around.broker.stable_end(self._facts)[self._task.partition]
        except RetryableError:
            # Reading has its own way to find an outage out; a figure must not be what fails.
            self._lag_at = around.clock()
            return
        self._tell_lag(self._durable, end)

    def _tell_lag(self, fence: int, end: int) -> None:
        self._lag_at = self._around.clock()
        tell_lag(self._task, fence, end)

    def _failed(self, error: Exception) -> None:
        if self._lane.failure is None:
            self._lane.fail(error)
        self._noted = self._lane.failure
        self._setback.note(error)
        self._leave()

    def _leave(self) -> None:
        if self._buffer is not None:
            self._around.consumer.leave(self._buffer)
            self._buffer = None
