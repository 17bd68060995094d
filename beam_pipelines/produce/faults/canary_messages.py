"""Which messages bear canaries: a few dozen in the topics that tell of patients."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from beam_pipelines.produce.chunk import Chunk, partitions_of
from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.canaries import HEADER, KEY, Canaries, Planted
from beam_pipelines.produce.faults.insertions import Insertion, copy_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.planting import Planting
from beam_pipelines.produce.topics import DISPENSE, PATIENTS, TopicSpec

SOUND, MALFORMED = "canary", "canary_malformed"
WITH_KEY, WITH_HEADER = "canary_key", "canary_header"

# In a chunk, and in how many chunks of a topic at most.
_KINDS: Final = (*(SOUND, MALFORMED) * 4, WITH_KEY, WITH_HEADER, SOUND, SOUND)
_CHUNKS: Final = 4
# One row in so many at most, so that small streams aren't made of canaries.
_SPARSE: Final = 8
# Canaries that the messages of one chunk may need.
_NEEDED: Final = 25 * len(_KINDS)


class CanaryMessages:
    """Makes the messages with canaries: additional ones, of persons that no other message names.

    Kinds: `canary` (a sound message, all of whose PHI texts are canaries), `canary_malformed`
    (the like, made unreadable), and sound ones with a further canary as the key (`canary_key`) or
    in a header (`canary_header`).
    """

    def __init__(self) -> None:
        self._canaries = Canaries()
        self._chunks: Counter[str] = Counter()

    def insertions(
        self, chunk: Chunk, topic: TopicSpec, rng: np.random.Generator
    ) -> Iterator[Insertion]:
        """Yields the messages for a chunk of sound ones; none for most topics and later chunks."""
        full = self._chunks[topic.name] >= _CHUNKS or self._canaries.left < _NEEDED
        if topic.name not in (DISPENSE.name, PATIENTS.name) or full:
            return
        self._chunks[topic.name] += 1
        kinds = _KINDS[: len(chunk) // _SPARSE]
        rows = np.sort(rng.integers(len(chunk), size=len(kinds))).tolist()
        for row, kind in zip(rows, kinds, strict=True):
            yield self._insertion(chunk, row, kind, topic, rng)

    def _insertion(
        self, chunk: Chunk, row: int, kind: str, topic: TopicSpec, rng: np.random.Generator
    ) -> Insertion:
        value = chunk.values[row]
        assert value is not None
        sound = Sound(value, contract_of(value), None)
        event_id = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        if kind == MALFORMED:
            made = self._canaries.malformed(sound, event_id, rng)
            copy = copy_of(chunk, row, kind, made.value)
            return replace(copy, planting=Planting(kind=kind, canaries=made.canaries))
        made = self._canaries.message(sound, event_id)
        planting = Planting(kind=kind, canaries=made.canaries)
        insertion = replace(copy_of(chunk, row, kind, made.value), planting=planting)
        return self._marked(_keyed(insertion, made, topic), topic)

    def _marked(self, insertion: Insertion, topic: TopicSpec) -> Insertion:
        """With a further canary, if it is of a kind that has one."""
        planting = insertion.planting
        if planting.kind == WITH_KEY:
            canary = self._canaries.named(topic.dataset, KEY)
            insertion = _with_key(insertion, canary.text.encode(), topic)
        elif planting.kind == WITH_HEADER:
            canary = self._canaries.named(topic.dataset, HEADER)
            headers = [("trace", b"00"), ("patient", canary.text.encode())]
            insertion = replace(insertion, headers=list(headers))
        else:
            return insertion
        canaries = (*planting.canaries, canary)
        return replace(insertion, planting=replace(planting, canaries=canaries))


def _keyed(insertion: Insertion, made: Planted, topic: TopicSpec) -> Insertion:
    """With the key that the canary's own number gives, as all messages have."""
    if topic.name == PATIENTS.name:
        return _with_key(insertion, made.text_of("patient_id").encode(), topic)
    store = (insertion.key or b"").split(b"-")[0]
    number = made.text_of("rx_number").encode()
    return _with_key(insertion, store + b"-" + number, topic)


def _with_key(insertion: Insertion, key: bytes, topic: TopicSpec) -> Insertion:
    (partition,) = partitions_of([key], topic.partitions)
    return replace(insertion, key=key, partition=partition)
