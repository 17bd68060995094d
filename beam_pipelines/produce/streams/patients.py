"""Columns of `patient_update`: each event is the whole patient as of `effective_at`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import (
    Bytes,
    constant,
    enums,
    integers,
    nullable,
    picked,
    uuids,
)
from beam_pipelines.produce.encode import Columns
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.pools.patients import GENDERS
from beam_pipelines.produce.streams.dispense import MICROS, SYSTEM, TENANT
from beam_pipelines.produce.words import ALLERGIES, CITIES, LANGUAGES, PAYERS

PATIENT_OPS = ("UPSERT", "MERGE", "DECEASED", "DELETE", "ERASE")
_UPSERT, _MERGE, _DECEASED, _DELETE, _ERASE = range(5)
_SHARES = (0.955, 0.02, 0.01, 0.01, 0.005)
_MINUTE = 60_000_000


@dataclass(frozen=True)
class PatientUpdates:
    """Which patients change, how, and when (micros, in order)."""

    patient: npt.NDArray[np.int64]
    op: npt.NDArray[np.int64]
    happened: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patient)


def draw_updates(
    world: World, rng: np.random.Generator, rows: int, start: int, end: int
) -> PatientUpdates:
    """`rows` updates between two times (micros since 1970)."""
    return PatientUpdates(
        patient=rng.integers(len(world.patients), size=rows),
        op=rng.choice(len(PATIENT_OPS), size=rows, p=_SHARES),
        happened=np.sort(rng.integers(start, end + 1, rows)),
    )


def patient_keys(world: World, updates: PatientUpdates) -> Bytes:
    """Message keys: the patient's id."""
    return world.patients.ids[updates.patient]


def patient_columns(world: World, rng: np.random.Generator, updates: PatientUpdates) -> Columns:
    """All fields of the current schema version, one row an update; an ERASE holds no person."""
    rows, op, patient = len(updates), updates.op, updates.patient
    lag = rng.integers(0, 90, rows) * _MINUTE
    other = (patient + 1 + rng.integers(len(world.patients) - 1, size=rows)) % len(world.patients)
    return {
        "event_id": uuids(rng, rows),
        "event_time": integers(updates.happened, MICROS),
        "produced_at": integers(updates.happened + 120_000, MICROS),
        "source_system": constant(SYSTEM, rows),
        "source_seq": integers(updates.happened // 1_000_000 - world.day * 86_400, pa.int64()),
        "tenant_id": constant(TENANT, rows),
        "op": enums(op, PATIENT_OPS),
        "effective_at": integers(updates.happened - lag, MICROS),
        "patient_id": picked(world.patients.patient_id, patient),
        "surviving_patient_id": picked(world.patients.patient_id, other, op == _MERGE),
        "death_date": integers(np.full(rows, world.day - 2), pa.date32(), op == _DECEASED),
        **_person(world, patient, op != _ERASE),
        **_coverage(world, rng, patient, op != _ERASE),
        **_flags(rng, op),
    }


def _person(world: World, patient: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> Columns:
    pool, city = world.patients, world.patients.city[patient]
    places = {"city": 0, "county": 1, "state": 2}
    texts = {
        "first_name": pool.first_name,
        "middle_name": pool.middle_name,
        "last_name": pool.last_name,
        "ssn": pool.ssn,
        "address_line1": pool.address,
        "address_line2": pool.unit,
        "postal_code": pool.postal_code,
        "phone": pool.phone,
        "fax": pool.fax,
        "email": pool.email,
        "driver_license": pool.license,
    }
    return {
        **{name: picked(column, patient, known) for name, column in texts.items()},
        **{
            name: picked(pa.array([c[place] for c in CITIES], pa.string()), city, known)
            for name, place in places.items()
        },
        "country": constant("US", len(patient)),
        "birth_date": integers(pool.birth_day[patient], pa.date32(), known),
        "gender": enums(pool.gender[patient], GENDERS, known),
    }


def _coverage(
    world: World,
    rng: np.random.Generator,
    patient: npt.NDArray[np.int64],
    known: npt.NDArray[np.bool_],
) -> Columns:
    pool, rows = world.patients, len(patient)
    payer = pool.payer[patient]
    allergies = pa.array(
        [[], [], [], *([a] for a in ALLERGIES), list(ALLERGIES[:2])], pa.list_(pa.string())
    )
    languages = rng.choice(len(LANGUAGES), size=rows, p=[0.8, 0.1, 0.03, 0.03, 0.02, 0.02])
    return {
        "member_id": picked(pool.member_id, patient, known),
        "payer_bin": picked(pa.array([p[0] for p in PAYERS]), payer, known),
        "plan_id": picked(pa.array([p[1] for p in PAYERS]), payer, known),
        "primary_pharmacy_ncpdp_id": picked(world.stores.ncpdp, pool.store[patient]),
        "primary_prescriber_npi": picked(world.prescribers.npi, pool.prescriber[patient]),
        "preferred_language": picked(pa.array(LANGUAGES), languages, known),
        "allergies": picked(allergies, np.where(known, rng.integers(len(allergies), size=rows), 0)),
    }


def _flags(rng: np.random.Generator, op: npt.NDArray[np.int64]) -> Columns:
    drawn = rng.random((5, len(op)))
    said = drawn[0] < 0.8
    return {
        "consent_marketing": nullable(pa.array(drawn[1] < 0.4), said),
        "consent_research": nullable(pa.array(drawn[2] < 0.3), said),
        "gdpr_subject": pa.array((drawn[3] < 0.02) | (op == _ERASE)),
        "sync_enrolled": nullable(pa.array(drawn[4] < 0.25), said),
        "deceased": nullable(pa.array(op == _DECEASED), said),
    }
