"""All pools together, sized so that the reference topics stay a small share of the stream."""

from dataclasses import dataclass

import numpy as np

from beam_pipelines.produce.drug_list import DRUGS
from beam_pipelines.produce.pools.drugs import Drugs, make_drugs
from beam_pipelines.produce.pools.patients import Patients, make_patients
from beam_pipelines.produce.pools.prescribers import Prescribers, make_prescribers
from beam_pipelines.produce.pools.stores import Stores, make_stores


@dataclass(frozen=True, kw_only=True)
class World:
    """What events refer to; `day` is the stream's day in days since 1970-01-01."""

    day: int
    stores: Stores
    drugs: Drugs
    prescribers: Prescribers
    patients: Patients


def make_world(rng: np.random.Generator, events: int, day: int) -> World:
    """Draws the pools for a stream of `events` events.

    Few events get few stores, so that each reference is used and the snapshot of the reference
    topics leaves room for events; the upper bounds are a chain of middling size.
    """
    stores = make_stores(rng, _between(events // 2_000, 4, 240))
    drugs = make_drugs(rng, _between(events // 1_000, len(DRUGS), 400))
    prescribers = make_prescribers(rng, _between(events // 400, 8, 1_500))
    wanted = _between(events // 15, 30, 40_000)
    patients = make_patients(rng, wanted, stores, len(prescribers), day)
    return World(day=day, stores=stores, drugs=drugs, prescribers=prescribers, patients=patients)


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))
