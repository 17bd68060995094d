"""The stream: all topics, chunk by chunk, in the order of the day."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.chunk import Chunk, partitions_of
from beam_pipelines.produce.columns import Bytes, byte_strings
from beam_pipelines.produce.encode import Columns
from beam_pipelines.produce.one_schema import AT_ONCE, DEFAULT_DAY
from beam_pipelines.produce.pools import World, make_world
from beam_pipelines.produce.quotas import Quotas, Share
from beam_pipelines.produce.streams.day_curve import HOUR
from beam_pipelines.produce.streams.dispense import dispense_columns, dispense_keys
from beam_pipelines.produce.streams.fills import Steps, dispense_steps
from beam_pipelines.produce.streams.inventory import (
    Shelves,
    draw_moves,
    inventory_columns,
    inventory_keys,
)
from beam_pipelines.produce.streams.patients import draw_updates, patient_columns, patient_keys
from beam_pipelines.produce.streams.references import (
    pool_size,
    reference_columns,
    reference_keys,
)
from beam_pipelines.produce.topics import (
    DISPENSE,
    DRUGS,
    INVENTORY,
    PATIENTS,
    PHARMACIES,
    PRESCRIBERS,
    TOPICS,
    TopicSpec,
)
from beam_pipelines.produce.versions import encode_versions

FaultPlan = Literal["none", "default"]


def generate(
    seed: int,
    events: int,
    faults: FaultPlan = "default",
    day: int = DEFAULT_DAY,
    topics: tuple[TopicSpec, ...] = TOPICS,
) -> Iterator[Chunk]:
    """Generates the stream.

    Args:
        seed: Same seed and same other arguments, same chunks, byte for byte.
        events: Sound events in all topics together. Planted faults come on top.
        faults: `none`, or `default` for faults of every kind among the sound events, which stay
            the same.
        day: The day that events happen on, days since 1970-01-01.
        topics: The six topics, with the partitions wanted.

    Yields:
        Chunks in the order of production: the reference topics' snapshot first.
    """
    stream, planter = np.random.SeedSequence(seed).spawn(2)
    made = _Stream(stream, events, day, topics)
    if faults == "none":
        return made.chunks()
    # Imported late: a stream without faults needs none of it.
    from beam_pipelines.produce.faults import plant

    rng = np.random.Generator(np.random.PCG64(planter))
    return plant(made.chunks(), rng, topics, made.world)


class _Stream:
    """The stream's state: the world, its shelves, and how much of each topic has come."""

    def __init__(
        self, seed: np.random.SeedSequence, events: int, day: int, topics: tuple[TopicSpec, ...]
    ) -> None:
        drawn = [np.random.Generator(np.random.PCG64(child)) for child in seed.spawn(7)]
        self._steps, self._dispense, self._inventory, self._patients, self._refs = drawn[:5]
        self._versions = drawn[5]
        self.world: World = make_world(drawn[6], events, day)
        self._topics = {topic.name: topic for topic in topics}
        snapshot = {t.name: pool_size(self.world, t) for t in (PHARMACIES, DRUGS, PRESCRIBERS)}
        self._quotas = Quotas.of(events, snapshot)
        self._shelves = Shelves.opened(self.world, self._quotas.dispense)

    def chunks(self) -> Iterator[Chunk]:
        yield from self._snapshot()
        quotas = self._quotas
        inventory, patients = Share(quotas.inventory), Share(quotas.patients)
        updates, done = Share(quotas.reference_updates), 0
        for batch in dispense_steps(self.world, self._steps, quotas.dispense, AT_ONCE):
            done += len(batch)
            progress = done / quotas.dispense
            chunk, ids = self._dispense_chunk(batch)
            yield chunk
            yield from self._inventory_chunk(batch, ids, inventory.due(progress))
            produced = batch.steps["produced"]
            span = int(produced[0]), int(produced[-1])
            yield from self._patient_chunk(patients.due(progress), *span)
            yield from self._reference_updates(updates.due(progress), *span)

    def _snapshot(self) -> Iterator[Chunk]:
        start = self.world.day * 24 * HOUR
        for name, size in self._quotas.snapshot.items():
            rows = np.arange(size)
            yield from self._reference_chunk(name, rows, start + rows * 1_000)

    def _dispense_chunk(self, batch: Steps) -> tuple[Chunk, pa.Array]:
        columns = dispense_columns(self.world, self._dispense, batch)
        keys = dispense_keys(self.world, batch)
        return self._chunk(DISPENSE, keys, columns), columns["event_id"]

    def _inventory_chunk(self, batch: Steps, ids: pa.Array, rows: int) -> Iterator[Chunk]:
        if rows:
            moves = draw_moves(self.world, self._inventory, rows, batch, self._shelves)
            columns = inventory_columns(self.world, self._inventory, moves, ids)
            yield self._chunk(INVENTORY, inventory_keys(self.world, moves), columns)

    def _patient_chunk(self, rows: int, start: int, end: int) -> Iterator[Chunk]:
        if rows:
            updates = draw_updates(self.world, self._patients, rows, start, end)
            columns = patient_columns(self.world, self._patients, updates)
            yield self._chunk(PATIENTS, patient_keys(self.world, updates), columns)

    def _reference_updates(self, rows: int, start: int, end: int) -> Iterator[Chunk]:
        """Mostly drugs' prices, now and then a prescriber or a store."""
        kinds = self._refs.choice(3, size=rows, p=[0.05, 0.75, 0.20])
        for kind, name in enumerate(self._quotas.snapshot):
            count = int((kinds == kind).sum())
            picks = self._refs.integers(self._quotas.snapshot[name], size=count)
            happened = np.sort(self._refs.integers(start, end + 1, count))
            yield from self._reference_chunk(name, picks, happened)

    def _reference_chunk(
        self, name: str, rows: npt.NDArray[np.int64], happened: npt.NDArray[np.int64]
    ) -> Iterator[Chunk]:
        if len(rows):
            topic = self._topics[name]
            columns = reference_columns(self.world, self._refs, topic, rows, happened)
            keys = reference_keys(self.world, topic, rows)
            yield self._chunk(topic, keys, columns, happened)

    def _chunk(
        self,
        topic: TopicSpec,
        keys: Bytes | list[bytes],
        columns: Columns,
        produced: npt.NDArray[np.int64] | None = None,
    ) -> Chunk:
        listed = keys if isinstance(keys, list) else byte_strings(keys)
        if produced is None:
            produced = columns["produced_at"].view(pa.int64()).to_numpy()
        return Chunk(
            topic=topic.name,
            partitions=partitions_of(listed, self._topics[topic.name].partitions),
            keys=list(listed),
            values=list(encode_versions(topic.dataset, columns, self._versions)),
            timestamps_ms=(np.asarray(produced) // 1_000).tolist(),
        )
