"""Columns of `dispense_event`, version 2, from steps and their fills."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.produce.columns import (
    Bytes,
    concatenated,
    constant,
    decimals,
    digits,
    enums,
    integers,
    joined,
    nullable,
    picked,
    text,
    uuids,
)
from beam_pipelines.produce.drug_list import DRUGS
from beam_pipelines.produce.encode import Columns
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.pools.drugs import SCHEDULES, UNITS
from beam_pipelines.produce.pools.patients import GENDERS
from beam_pipelines.produce.streams.fills import CASH, EVENT_TYPES, PAYMENT_TYPES, Steps
from beam_pipelines.produce.words import DIAGNOSES, PAYERS, REJECTS, SIGS

MICROS = pa.timestamp("us", "UTC")
SYSTEM = "rxhub"
TENANT = "pharmabeam"

# Two directions for each form, one after the other.
_SIGS = pa.array([sig for pair in SIGS.values() for sig in pair])
_FORM_OF_KIND = np.array([list(SIGS).index(drug.form) for drug in DRUGS])

_REJECTED = EVENT_TYPES.index("CLAIM_REJECTED")
_PAID = EVENT_TYPES.index("CLAIM_PAID")
_FILLED = EVENT_TYPES.index("FILLED")
_VERIFIED = EVENT_TYPES.index("VERIFIED")
_DISPENSED = EVENT_TYPES.index("DISPENSED")
_CANCELLED = EVENT_TYPES.index("CANCELLED")


def dispense_keys(world: World, batch: Steps) -> Bytes:
    """Message keys, `<store>-<rx number>`: all events of a prescription share a partition."""
    ids = world.stores.ids[batch.of_fill("store")]
    return joined(len(batch), ids, b"-", digits(batch.of_fill("rx"), 10))


def dispense_columns(world: World, rng: np.random.Generator, batch: Steps) -> Columns:
    """All 50 fields of the current schema version, one row an event."""
    return {
        "event_id": uuids(rng, len(batch)),
        "event_time": integers(batch.steps["happened"], MICROS),
        "produced_at": integers(batch.steps["produced"], MICROS),
        "source_system": constant(SYSTEM, len(batch)),
        "source_seq": integers(batch.steps["sequence"], pa.int64()),
        "tenant_id": constant(TENANT, len(batch)),
        "event_type": enums(batch.steps["kind"], EVENT_TYPES),
        **_prescription(world, batch),
        **_people(world, rng, batch),
        **_drug(world, batch),
        **_money(world, batch),
        **_package(batch),
    }


def _prescription(world: World, batch: Steps) -> Columns:
    of, kind = batch.of_fill, batch.steps["kind"]
    store = of("store")
    sig = of("sig")
    form = _FORM_OF_KIND[world.drugs.kind[of("drug")]]
    return {
        "pharmacy_ncpdp_id": picked(world.stores.ncpdp, store),
        "pharmacy_npi": picked(world.stores.npi, store),
        "rx_number": text(digits(of("rx"), 10)),
        "fill_number": integers(of("fill_number"), pa.int32()),
        "refills_authorized": integers(of("refills"), pa.int32()),
        "days_supply": integers(of("days_supply"), pa.int32()),
        "daw_code": integers(of("daw"), pa.int32()),
        "compound_code": integers(np.ones(len(batch), np.int32), pa.int32()),
        "date_written": integers(of("written"), pa.date32()),
        "date_of_service": integers(of("serviced"), pa.date32()),
        "promised_at": integers(of("promised"), MICROS),
        "received_at": integers(of("received"), MICROS),
        "picked_up_at": integers(batch.steps["happened"], MICROS, kind == _DISPENSED),
        "sig_text": picked(_SIGS, form * 2 + sig % 2, sig % 16 > 0),
        "diagnosis_code": picked(pa.array(DIAGNOSES), of("diagnosis"), sig % 10 < 3),
    }


def _people(world: World, rng: np.random.Generator, batch: Steps) -> Columns:
    of, patients, prescribers = batch.of_fill, world.patients, world.prescribers
    patient, prescriber = of("patient"), of("prescriber")
    controlled = world.drugs.schedule[of("drug")] > 0
    insured = of("payment") != CASH
    staff = concatenated("RPH", text(digits(of("pharmacist"), 4)))
    return {
        "patient_id": picked(patients.patient_id, patient),
        "cardholder_id": picked(patients.member_id, patient, insured),
        "patient_dob": integers(patients.birth_day[patient], pa.date32()),
        "patient_zip": picked(patients.postal_code, patient),
        "patient_gender": enums(patients.gender[patient], GENDERS, rng.random(len(batch)) < 0.97),
        "prescriber_npi": picked(prescribers.npi, prescriber),
        "prescriber_dea": nullable(picked(prescribers.dea, prescriber), controlled),
        "pharmacist_id": nullable(staff, batch.steps["kind"] >= _VERIFIED),
        "group_id": picked(patients.group_id, patient, insured),
    }


def _drug(world: World, batch: Steps) -> Columns:
    drugs, drug = world.drugs, batch.of_fill("drug")
    quantity = batch.of_fill("quantity")
    return {
        "ndc": picked(drugs.ndc, drug),
        "prescribed_ndc": picked(drugs.ndc, drug, batch.of_fill("sig") % 7 < 3),
        "rxcui": picked(drugs.rxcui, drug),
        "quantity_dispensed": decimals(quantity, 13, 3),
        "quantity_prescribed": decimals(quantity, 13, 3),
        "unit_of_measure": enums(drugs.unit[drug], UNITS),
        "dea_schedule": enums(drugs.schedule[drug], SCHEDULES),
    }


def _money(world: World, batch: Steps) -> Columns:
    """Ingredient cost and fee make up the total; nothing is priced before the claim is paid."""
    of, kind = batch.of_fill, batch.steps["kind"]
    payment = of("payment")
    insured = payment != CASH
    priced = ((kind == _PAID) | (kind >= _FILLED)) & (kind != _CANCELLED)
    cost, fee = of("cost"), of("fee")
    payer = world.patients.payer[of("patient")]
    codes = pa.array([[], *REJECTS], pa.list_(pa.string()))
    return {
        "payer_bin": picked(pa.array([p[0] for p in PAYERS]), payer, insured),
        "payer_pcn": picked(pa.array([p[1] for p in PAYERS]), payer, insured),
        "payment_type": enums(payment, PAYMENT_TYPES),
        "ingredient_cost": decimals(cost, 12, 2, priced),
        "dispensing_fee": decimals(fee, 12, 2, priced),
        "usual_and_customary": decimals(of("usual"), 12, 2),
        "patient_pay": decimals(of("copay"), 12, 2, priced),
        "total_paid": decimals(cost + fee, 12, 2, priced),
        "reject_codes": picked(codes, np.where(kind == _REJECTED, of("reject") + 1, 0)),
    }


def _package(batch: Steps) -> Columns:
    """Lot, expiry and serial number are known once the fill has left the shelf."""
    of, kind = batch.of_fill, batch.steps["kind"]
    filled = (kind >= _FILLED) & (kind != _CANCELLED)
    serial = of("serial")
    return {
        "lot_number": pc.binary_join_element_wise(
            "L", nullable(text(digits(of("lot"), 6)), filled), ""
        ),
        "expiration_date": integers(of("expiry"), pa.date32(), filled),
        "product_serial": nullable(text(digits(serial, 12)), filled & (serial % 3 > 0)),
    }
