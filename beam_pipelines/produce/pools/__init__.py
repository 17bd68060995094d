"""The reference world that events refer to: stores, drugs, prescribers and patients."""

from beam_pipelines.produce.pools.drugs import Drugs, make_drugs
from beam_pipelines.produce.pools.patients import Patients, make_patients
from beam_pipelines.produce.pools.prescribers import Prescribers, make_prescribers
from beam_pipelines.produce.pools.stores import Stores, make_stores
from beam_pipelines.produce.pools.world import World, make_world

__all__ = [
    "Drugs",
    "Patients",
    "Prescribers",
    "Stores",
    "World",
    "make_drugs",
    "make_patients",
    "make_prescribers",
    "make_stores",
    "make_world",
]
