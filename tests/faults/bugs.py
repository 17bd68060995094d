"""Bugs to plant into a run's process before it starts (`before` of `Lake.start`)."""

from dataclasses import replace

import transforms.avro.transform
import transforms.kafka.reader
from transforms.avro.enforce import SchemaPlan, enforce
from transforms.kafka import PartitionTask, SegmentLimits
from transforms.kafka.reader import Source
from transforms.segment import Segment

#: Offsets of messages that the planted bug can't handle.
POISON = (700, 2_300)


def plant_poison() -> None:
    """Makes the decoder fail on every segment that holds one of the poisonous messages."""

    def failing(segment: Segment, plan: SchemaPlan) -> Segment:
        if set(POISON) & set(segment.offsets.tolist()):
            raise ZeroDivisionError("this text may hold a value of the data")
        return enforce(segment, plan)

    setattr(transforms.avro.transform, "enforce", failing)  # noqa: B010 - for mypy, it's private


def plant_late_starts() -> None:
    """Makes each run go on one message behind the fence, as if that one had been read."""
    sound, begun = transforms.kafka.reader._fetched, set()

    def late(task: PartitionTask, source: Source, start: int, limits: SegmentLimits) -> Segment:
        segment = sound(task, source, start, limits)
        if start and task.owner not in begun:
            segment = replace(segment, messages=segment.messages.slice(1))
        begun.add(task.owner)
        return segment

    setattr(transforms.kafka.reader, "_fetched", late)  # noqa: B010 - as above
