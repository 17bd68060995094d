"""A topic of patients' changes, of which nearly each makes a version."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from beam_pipelines.produce.columns import byte_strings, picked
from beam_pipelines.produce.one_schema import AT_ONCE, DEFAULT_DAY
from beam_pipelines.produce.pools import World, make_world
from beam_pipelines.produce.pools.patients import make_patients
from beam_pipelines.produce.streams.patients import draw_updates, patient_columns, patient_keys
from beam_pipelines.produce.topics import PATIENTS
from beam_pipelines.produce.versions import encode_versions
from tests.benchmarks.topics import Events

_DAY_US: Final = 86_400_000_000
#: Versions of a patient, in the mean.
_VERSIONS_EACH: Final = 3


class PatientChanges:
    """Draws changes of one population, all on one day, so that many come late.

    Args:
        versions: How many changes will come, about; there is one patient for three of them.
        seed: Same seed, same changes.
    """

    def __init__(self, versions: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._world = _populated(make_world(self._rng, versions, DEFAULT_DAY), self._rng, versions)

    def draw(self, count: int) -> Iterator[Events]:
        """Yields that many, in batches."""
        for at in range(0, count, AT_ONCE):
            yield self._batch(min(AT_ONCE, count - at))

    def _batch(self, rows: int) -> Events:
        world, rng = self._world, self._rng
        start = world.day * _DAY_US
        updates = draw_updates(world, rng, rows, start, start + _DAY_US - 1)
        columns = patient_columns(world, rng, updates)
        # The usual stream tells mostly what is known: such changes make no version.
        stores = rng.integers(len(world.stores), size=rows)
        columns["primary_pharmacy_ncpdp_id"] = picked(world.stores.ncpdp, stores)
        values = encode_versions(PATIENTS.dataset, columns, rng, mixed=False)
        return Events(list(byte_strings(patient_keys(world, updates))), values)


def _populated(world: World, rng: np.random.Generator, versions: int) -> World:
    wanted = max(1, versions // _VERSIONS_EACH)
    patients = make_patients(rng, wanted, world.stores, len(world.prescribers), world.day)
    return replace(world, patients=patients)
