"""Which messages trip rules: a known few for each rule, among the sound ones."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from beam_pipelines.produce.chunk import Chunk
from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.deaths import AFTER_DEATH, death, is_dispensed
from beam_pipelines.produce.faults.dispense_violations import DISPENSE_VIOLATIONS
from beam_pipelines.produce.faults.insertions import Insertion, copy_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.other_violations import (
    INVENTORY_VIOLATIONS,
    PATIENT_VIOLATIONS,
)
from beam_pipelines.produce.faults.patching import patched, values_of
from beam_pipelines.produce.faults.violations import Facts, Row, Violation
from beam_pipelines.produce.planting import Planting
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.topics import DISPENSE, INVENTORY, PATIENTS, TopicSpec
from beam_pipelines.produce.versions import CURRENT_VERSION

KIND: Final = "rule"

VIOLATIONS: Final[Mapping[str, tuple[Violation, ...]]] = {
    DISPENSE.dataset: DISPENSE_VIOLATIONS,
    INVENTORY.dataset: INVENTORY_VIOLATIONS,
    PATIENTS.dataset: PATIENT_VIOLATIONS,
}
"""The violations of each dataset."""

# Of each violation in a chunk of so many rows; and in how many chunks of a topic at most.
_ROWS_EACH: Final = 4_000
_MOST: Final = 3
_CHUNKS: Final = 4
# One row in so many at most, so that small streams aren't made of violations.
_SPARSE: Final = 4
# Rows of a chunk that are looked at: enough that rare drugs are among them, few enough to be quick.
_LOOKED_AT: Final = 400


class RuleMessages:
    """Makes messages that trip rules: additional ones, with ids of their own.

    They are written with the current schema version, for old ones lack some of the fields.
    """

    def __init__(self, world: World) -> None:
        self._facts = Facts.of(world)
        self._chunks: Counter[str] = Counter()

    def insertions(
        self, chunk: Chunk, topic: TopicSpec, rng: np.random.Generator
    ) -> Iterator[Insertion]:
        """Yields the messages for a chunk of sound ones."""
        violations = VIOLATIONS.get(topic.dataset, ())
        if self._chunks[topic.name] >= _CHUNKS or not violations:
            return
        self._chunks[topic.name] += 1
        each = min(_MOST, 1 + len(chunk) // _ROWS_EACH)
        wanted = (violations * each)[: len(chunk) // _SPARSE]
        rows = dict(_current_rows(chunk, rng))
        if topic.dataset == DISPENSE.dataset:
            rows = {row: made for row, made in rows.items() if not self._facts.warns(made[1])}
        if topic.dataset == PATIENTS.dataset:
            yield from self._death(chunk, topic, rows, rng)
        for violation in wanted:
            fitting = [row for row, (_, values) in rows.items() if self._fits(violation, values)]
            if fitting:
                row = fitting[int(rng.integers(len(fitting)))]
                yield self._insertion(chunk, row, *rows.pop(row), violation, rng)

    def _fits(self, violation: Violation, values: Row) -> bool:
        # Some of the stream's own patients die: that may matter only where it is meant.
        meant = violation.rule == AFTER_DEATH or not is_dispensed(values)
        return meant and violation.when(values, self._facts)

    def _death(
        self,
        chunk: Chunk,
        topic: TopicSpec,
        rows: Mapping[int, tuple[Sound, Row]],
        rng: np.random.Generator,
    ) -> Iterator[Insertion]:
        # Whose record was erased has no birth before the death.
        known = (row for row, (_, values) in rows.items() if values["birth_date"] is not None)
        row = next(known, None)
        if row is not None:
            day, partitions = self._facts.day, topic.partitions
            yield death(chunk, row, rows[row][0], day=day, partitions=partitions, rng=rng)

    def _insertion(
        self,
        chunk: Chunk,
        row: int,
        sound: Sound,
        values: Row,
        violation: Violation,
        rng: np.random.Generator,
    ) -> Insertion:
        event_id = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        changes = {"event_id": event_id} | violation.change(values, self._facts)
        copy = copy_of(chunk, row, KIND, patched(sound, changes))
        return replace(copy, planting=Planting(kind=KIND, rules=violation.rules))


def _current_rows(
    chunk: Chunk, rng: np.random.Generator
) -> Iterator[tuple[int, tuple[Sound, Row]]]:
    """Some rows of the current version, with their values."""
    for row in rng.permutation(len(chunk))[:_LOOKED_AT].tolist():
        value = chunk.values[row]
        assert value is not None
        contract = contract_of(value)
        if contract.version == CURRENT_VERSION or contract.dataset == INVENTORY.dataset:
            sound = Sound(value, contract, None)
            timestamp = chunk.timestamps_ms[row] * 1_000
            yield row, (sound, {**values_of(sound), "timestamp": timestamp})
