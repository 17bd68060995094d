"""A patient who died before the stream's day, so that drugs can be dispensed after a death."""

import uuid
from dataclasses import replace
from typing import Final

import numpy as np

from beam_pipelines.produce.chunk import Chunk, partitions_of
from beam_pipelines.produce.faults.insertions import Insertion, copy_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import patched
from beam_pipelines.produce.faults.violations import DAY, Row

KIND: Final = "death"
#: Nobody of the stream's own: the ids of those begin at P010000000.
PATIENT: Final = "P000000017"
#: The rule of dispense events that such a death is for.
AFTER_DEATH: Final = "R15.deceased"


def death(
    chunk: Chunk, row: int, sound: Sound, *, day: int, partitions: int, rng: np.random.Generator
) -> Insertion:
    """The message that the patient died two days before: sound, and nothing trips on it.

    Args:
        chunk: A chunk of patient updates.
        row: The row that it follows, and whose other values it has.
        sound: That row's message.
        day: The stream's day, days since 1970.
        partitions: Of the topic.
        rng: Draws the event's id.
    """
    changes = {
        "event_id": str(uuid.UUID(bytes=rng.bytes(16), version=4)),
        "patient_id": PATIENT,
        "surviving_patient_id": None,
        "op": "DECEASED",
        "effective_at": (day - 1) * DAY,
        "death_date": day - 2,
        "deceased": True,
    }
    key = PATIENT.encode()
    (partition,) = partitions_of([key], partitions)
    copy = copy_of(chunk, row, KIND, patched(sound, changes))
    return replace(copy, key=key, partition=partition)


def is_dispensed(row: Row) -> bool:
    """Whether an event hands something out: it may be to somebody who died."""
    return row.get("event_type") == "DISPENSED"
