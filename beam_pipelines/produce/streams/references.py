"""Columns of the reference topics: a snapshot of each pool, then changes to single rows."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import Bytes, byte_strings, decimals, enums, integers, picked
from beam_pipelines.produce.drug_list import DRUGS
from beam_pipelines.produce.encode import Columns
from beam_pipelines.produce.identifiers import NDC_FORMATS
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.pools.drugs import SCHEDULES, UNITS
from beam_pipelines.produce.streams.dispense import MICROS
from beam_pipelines.produce.topics import DRUGS as DRUG_TOPIC
from beam_pipelines.produce.topics import PHARMACIES, PRESCRIBERS, TopicSpec
from beam_pipelines.produce.words import CITIES

_FORMATS = (*NDC_FORMATS, "F542", "F642")
_CLASSES = ("RETAIL", "MAIL", "SPECIALTY", "LTC", "CLINIC", "COMPOUNDING")
_SOURCES = ("M", "N", "O", "Y")
_TAXONOMY = ("207Q00000X", "207R00000X", "363L00000X", "363A00000X", "208000000X")

Rows = npt.NDArray[np.int64]


def pool_size(world: World, topic: TopicSpec) -> int:
    """Rows of the pool that `topic` publishes."""
    pools = {
        PHARMACIES.name: len(world.stores),
        DRUG_TOPIC.name: len(world.drugs),
        PRESCRIBERS.name: len(world.prescribers),
    }
    return pools[topic.name]


def reference_keys(world: World, topic: TopicSpec, rows: Rows) -> list[bytes]:
    """Message keys: the store's NCPDP id, the drug's NDC, the prescriber's NPI."""
    matrices: dict[str, Bytes] = {
        PHARMACIES.name: world.stores.ids,
        DRUG_TOPIC.name: world.drugs.ids,
    }
    if topic.name in matrices:
        return byte_strings(matrices[topic.name][rows])
    return [npi.encode("ascii") for npi in picked(world.prescribers.npi, rows).to_pylist()]


def reference_columns(
    world: World, rng: np.random.Generator, topic: TopicSpec, rows: Rows, happened: Rows
) -> Columns:
    """All fields of the pool's rows as of `happened` (micros)."""
    effective = {"effective_from": integers(happened, MICROS)}
    if topic.name == PHARMACIES.name:
        return effective | _pharmacies(world, rng, rows)
    if topic.name == DRUG_TOPIC.name:
        return effective | _drugs(world, rng, rows)
    return effective | _prescribers(world, rng, rows)


def _city(indexes: Rows, position: int) -> pa.Array:
    return picked(pa.array([c[position] for c in CITIES], pa.string()), indexes)


def _pharmacies(world: World, rng: np.random.Generator, rows: Rows) -> Columns:
    stores, city = world.stores, world.stores.city[rows]
    return {
        "pharmacy_ncpdp_id": picked(stores.ncpdp, rows),
        "npi": picked(stores.npi, rows),
        "dea_number": picked(stores.dea, rows),
        "name": picked(stores.name, rows),
        "store_number": picked(stores.number, rows),
        "address": picked(stores.address, rows),
        "city": _city(city, 0),
        "state": _city(city, 2),
        "postal_code": picked(stores.postal_code, rows),
        "time_zone": _city(city, 4),
        "open_24h": pa.array(rows % 11 == 0),
        "dispenser_class": enums(stores.dispenser_class[rows], _CLASSES),
        "active": pa.array(rng.random(len(rows)) < 0.995),
    }


def _drugs(world: World, rng: np.random.Generator, rows: Rows) -> Columns:
    drugs, kind = world.drugs, world.drugs.kind[rows]
    price = drugs.unit_price[rows] * rng.integers(98, 103, len(rows)) // 100
    mme = np.array([d.mme_factor for d in DRUGS])[kind]
    daily = drugs.daily_units[rows] * 4_000
    generic = ~drugs.brand[rows]
    return {
        "ndc11": picked(drugs.ndc, rows),
        "ndc_source_format": enums(drugs.format[rows], _FORMATS),
        "ndc12": picked(drugs.ndc12, rows),
        "gtin": picked(drugs.gtin, rows),
        "proprietary_name": picked(drugs.name, rows),
        "nonproprietary_name": picked(drugs.generic_name, rows),
        "labeler": picked(drugs.labeler, rows),
        "strength": picked(drugs.strength, rows),
        "package_size": decimals(drugs.package[rows], 13, 3),
        "unit_of_measure": enums(drugs.unit[rows], UNITS),
        "rxcui": picked(drugs.rxcui, rows),
        "gpi14": picked(drugs.gpi, rows),
        "dea_schedule": enums(drugs.schedule[rows], SCHEDULES),
        "multi_source_code": enums(np.where(generic, 3, 2), _SOURCES),
        "te_code": picked(pa.array(["AB"]), np.zeros(len(rows), np.int64), generic),
        "rx_otc": enums(np.zeros(len(rows), np.int64), ("RX", "OTC")),
        "max_daily_dose": decimals(daily, 13, 3, daily > 0),
        "mme_factor": decimals(mme, 8, 3, mme > 0),
        # Hundredths of a cent have four decimals, these prices five.
        "awp_unit": decimals(price * 12, 12, 5),
        "nadac_unit": decimals(price * 10, 12, 5),
        "marketing_start": integers(world.day - 400 - kind * 31, pa.date32()),
        "marketing_end": integers(np.full(len(rows), world.day + 365), pa.date32(), kind % 29 == 0),
        **_drug_texts(kind),
    }


def _drug_texts(kind: Rows) -> Columns:
    classes = pa.array([[d.pdc_class] if d.pdc_class else [] for d in DRUGS], pa.list_(pa.string()))
    return {
        "dosage_form": picked(pa.array([d.form for d in DRUGS]), kind),
        "route": picked(pa.array([d.route for d in DRUGS]), kind),
        "atc": picked(pa.array([d.atc for d in DRUGS]), kind),
        "pdc_class": picked(classes, kind),
        "refrigerated": pa.array(np.array([d.form == "INJECTION" for d in DRUGS])[kind]),
    }


def _prescribers(world: World, rng: np.random.Generator, rows: Rows) -> Columns:
    pool, city = world.prescribers, world.prescribers.city[rows]
    registered = rows < pool.registered
    schedules = pa.array([[], ["CII", "CIII", "CIV", "CV"]], pa.list_(pa.string()))
    expiry = world.day + 30 + rows * 7 % 1_000
    return {
        "npi": picked(pool.npi, rows),
        "dea_number": picked(pool.dea, rows),
        "dea_expires": integers(expiry, pa.date32(), registered),
        "dea_schedules": picked(schedules, registered.astype(np.int64)),
        "last_name": picked(pool.last_name, rows),
        "first_name": picked(pool.first_name, rows),
        "taxonomy_code": picked(pa.array(_TAXONOMY), rows % len(_TAXONOMY)),
        "state_license": picked(pool.license, rows),
        "state": _city(city, 2),
        "npi_deactivated_on": integers(
            np.full(len(rows), world.day - 1), pa.date32(), pool.deactivated[rows]
        ),
        "oig_excluded": pa.array(rng.random(len(rows)) < 0.001),
    }
