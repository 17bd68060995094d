"""Reading one partition to its wanted end, segment by segment, as the fence rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from transforms.crash_points import crash_point
from transforms.errors import (
    LogTooShortError,
    RetryableError,
    SegmentError,
    TopicReplacedError,
)
from transforms.kafka.caution import Caution, Rehearse
from transforms.kafka.discovery import PartitionTask
from transforms.kafka.messages import Fetched
from transforms.lake.attempts import Attempts, end_quietly
from transforms.lake.lanes import Lane
from transforms.segment import MESSAGES_SCHEMA, Segment

#: A segment that left its process would be given out again and again: the sink writes elsewhere.
MAX_STALLS: Final = 3


@dataclass(frozen=True, kw_only=True)
class SegmentLimits:
    """When a segment is large enough.

    Attributes:
        messages: Most messages in a segment.
        bytes: Bytes of keys, values and headers in it, about.
    """

    messages: int = 50_000
    bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.messages < 1 or self.bytes < 1:
            raise ValueError(f"limits must be positive, got {self.messages} and {self.bytes}")


class Source(Protocol):
    """What the reader asks of Kafka, for one partition."""

    def topic_id(self) -> str:
        """Returns the topic's id as it is now."""

    def earliest(self) -> int:
        """Returns the first offset that the broker still has."""

    def fetch(self, start: int, wanted: int, limits: SegmentLimits) -> Fetched:
        """Reads from an offset on; see ``PartitionConsumer.fetch``."""

    def note_progress(self, fence: int) -> None:
        """Shows the fence to lag monitors."""


def read_segments(
    task: PartitionTask,
    lane: Lane,
    source: Source,
    limits: SegmentLimits,
    rehearse: Rehearse | None = None,
) -> Iterator[Segment]:
    """Yields the segments from the fence to the wanted end.

    Each begins at the fence. While one is being written the next is fetched, but it is given out
    only when the one before is durable, so at most one is in flight. A loss to another writer
    makes the reader go to the new fence and fetch anew. A segment at which several runs have died
    is rehearsed before it is given out, if there is something to rehearse it with.

    Raises:
        TopicReplacedError: The topic's id changed; what was read under it is thrown away.
        SegmentError: The sink makes no progress.
        LogTooShortError: The log was cut off below the position while it was read.
    """
    lane.begin(task.wanted)
    attempts = Attempts(lane.chain.store, task.owner, lane.fence)
    try:
        yield from _segments(task, lane, source, limits, Caution(attempts, rehearse))
    except Exception:
        _end(attempts, lane)
        raise
    _end(attempts, lane)


def _end(attempts: Attempts, lane: Lane) -> None:
    # In an outage of the store the note would only be waited for again.
    if not isinstance(lane.failure, RetryableError):
        end_quietly(attempts, lane.fence)


def _segments(
    task: PartitionTask, lane: Lane, source: Source, limits: SegmentLimits, caution: Caution
) -> Iterator[Segment]:
    position, stalls, empty = lane.fence, 0, 0
    while True:
        segment = _fetched(task, source, position, limits) if position < task.wanted else None
        if not lane.wait():
            return
        if lane.fence != position:
            # Lost to another writer, or never written: what was fetched is of no use.
            stalls = stalls + 1 if lane.fence < position else 0
            check_stalls(task, stalls)
            position = lane.fence
            continue
        source.note_progress(position)
        if segment is None:
            return
        if segment.end == position:
            # The offset went out of range under us: once by retention, ever again by truncation.
            empty += 1
            check_log(task, position, empty)
            continue
        empty = 0
        segment = caution.passed(segment)
        yield segment
        position = segment.end


def _fetched(task: PartitionTask, source: Source, start: int, limits: SegmentLimits) -> Segment:
    crash_point("read.before_segment")
    check_identity(task, source.topic_id())
    first = max(start, min(source.earliest(), task.wanted))
    fetched = source.fetch(first, task.wanted, limits) if first < task.wanted else None
    check_identity(task, source.topic_id())
    crash_point("read.after_segment")
    messages = fetched.messages if fetched else MESSAGES_SCHEMA.empty_table()
    return Segment(
        topic=task.topic,
        topic_id=task.topic_id,
        partition=task.partition,
        start=start,
        end=fetched.end if fetched else first,
        messages=messages,
        gaps=((start, first),) if first > start else (),
    )


def check_identity(task: PartitionTask, topic_id: str) -> None:
    """Refuses what was read of another topic under the same name.

    Raises:
        TopicReplacedError: The topic's id is not the task's.
    """
    if topic_id != task.topic_id:
        raise TopicReplacedError(
            f"the topic {task.topic} was deleted and made again while it was read",
            f"If it is meant, run: python -m beam_pipelines.lake adopt-topic --topic {task.topic}",
        )


def check_log(task: PartitionTask, position: int, empty: int) -> None:
    """Refuses a log that doesn't have an offset which it must have.

    Args:
        task: The partition.
        position: The offset.
        empty: How often in a row the broker said that it doesn't have it.

    Raises:
        LogTooShortError: It said so too often for retention to be the reason.
    """
    if empty >= MAX_STALLS:
        raise LogTooShortError(
            f"the broker has no offset {position} of {task.owner}, and has not deleted it either: "
            "its log was cut off",
            "The broker lost messages (unclean election, restored disk): look at it first",
        )


def check_stalls(task: PartitionTask, stalls: int) -> None:
    """Ends a reading whose segments get lost on their way to the sink.

    Args:
        task: The partition.
        stalls: How many segments in a row were given out and not written.

    Raises:
        SegmentError: They are too many.
    """
    if stalls >= MAX_STALLS:
        raise SegmentError(
            f"{stalls} segments of {task.owner} were given out and not written",
            "WriteToS3 must stand in one fused stage with ReadFromKafka: nothing that shuffles, "
            "flattens or side-inputs may stand between them",
        )
