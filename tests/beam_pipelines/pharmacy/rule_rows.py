"""Rows that pass every rule of the pharmacy, and the references that they look up.

A case is a row with a few fields changed; all cases of a dataset are judged together, with the code
that the pipeline runs.
"""

import functools
import importlib.resources
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from schemas import packaged_dataset
from schemas.arrow_types import arrow_schema
from transforms.identifiers import LINK_TYPE, LinkKeys, Links
from transforms.quality import RuleSet, load_rules
from transforms.quality.rule_checks import TIMESTAMP
from transforms.quality.rule_plans import RulePlan
from transforms.quality.validate import judge
from transforms.references import link_functions
from transforms.references.joins import needed_columns, pruned_join, rows_of
from transforms.references.versions import versions
from transforms.sql import Engine, Join
from transforms.sql.functions import FUNCTIONS

NOW = datetime(2026, 6, 15, 18, tzinfo=UTC)
TODAY = NOW.date()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

TABLET, OPIOID, STEROID, INHALER, BRAND, PILL, PROSTATE, RETIRED, CREAM, LIQUID, UNKNOWN = (
    f"000028215{package:02d}" for package in range(1, 12)
)
DOCTOR, NURSE, GONE, LAPSED = "1234567893", "1000000004", "1000000012", "1000000020"
STORE, MAIL = "1000003", "1000010"
DEAD, REINSTATED, DYING = "P000000007", "P000000008", "P000000009"

Row = dict[str, Any]

ROWS: Mapping[str, Row] = {
    "dispense_event": {
        "_timestamp": NOW,
        "event_id": "00000000-0000-4000-8000-000000000001",
        "event_time": NOW - MINUTE,
        "produced_at": NOW,
        "source_system": "rxhub",
        "source_seq": 1,
        "tenant_id": "t",
        "event_type": "DISPENSED",
        "pharmacy_ncpdp_id": STORE,
        "pharmacy_npi": "1234567893",
        "rx_number": "2000000001",
        "fill_number": 1,
        "refills_authorized": 3,
        "patient_id": "P000000001",
        "cardholder_id": "M1",
        "patient_dob": date(1980, 2, 29),
        "patient_zip": "11701",
        "patient_gender": "FEMALE",
        "prescriber_npi": DOCTOR,
        "prescriber_dea": "AB1234563",
        "pharmacist_id": "RPH0001",
        "ndc": TABLET,
        "prescribed_ndc": "0002-8215-01",
        "rxcui": "197361",
        "quantity_dispensed": Decimal("30.000"),
        "quantity_prescribed": Decimal("30.000"),
        "unit_of_measure": "EA",
        "days_supply": 30,
        "daw_code": 0,
        "dea_schedule": "NONE",
        "compound_code": 1,
        "date_written": TODAY - 30 * DAY,
        "date_of_service": TODAY,
        "promised_at": NOW,
        "received_at": NOW - 2 * HOUR,
        "picked_up_at": NOW - MINUTE,
        "sig_text": "Take one tablet daily",
        "diagnosis_code": "E78.5",
        "payer_bin": "610011",
        "payer_pcn": "IRX",
        "group_id": "RX0001",
        "payment_type": "COMMERCIAL",
        "ingredient_cost": Decimal("10.00"),
        "dispensing_fee": Decimal("1.75"),
        "usual_and_customary": Decimal("20.00"),
        "patient_pay": Decimal("5.00"),
        "total_paid": Decimal("11.75"),
        "reject_codes": [],
        "lot_number": "L123456",
        "expiration_date": date(2027, 12, 31),
        "product_serial": "100000000001",
    },
    "inventory_movement": {
        "_timestamp": NOW,
        "event_id": "00000000-0000-4000-8000-000000000002",
        "event_time": NOW - MINUTE,
        "produced_at": NOW,
        "source_system": "rxhub",
        "source_seq": 1,
        "tenant_id": "t",
        "movement_type": "RECEIPT",
        "pharmacy_ncpdp_id": STORE,
        "counterparty_id": "0860000000007",
        "transfer_id": "T1",
        "ndc": TABLET,
        "gtin": "00300028215012",
        "serial_number": "6789",
        "lot_number": "L123456",
        "expiration_date": date(2027, 12, 31),
        "epc": "urn:epc:id:sgtin:030002.0821501.6789",
        "quantity_delta": Decimal("90.000"),
        "unit_of_measure": "EA",
        "on_hand_after": Decimal("190.000"),
        "counted_quantity": Decimal("190.000"),
        "unit_cost": Decimal("0.0900"),
        "reason_code": "DAMAGED",
        "related_event_id": "00000000-0000-4000-8000-000000000001",
        "dea_form_222": "1",
        "witness_id": "RPH1",
        "performed_by": "TEC1",
        "storage_temp_c": Decimal("5.00"),
        "t3_reference": "T3-1",
    },
    "patient_update": {
        "_timestamp": NOW,
        "event_id": "00000000-0000-4000-8000-000000000003",
        "event_time": NOW - MINUTE,
        "produced_at": NOW,
        "source_system": "rxhub",
        "source_seq": 1,
        "tenant_id": "t",
        "op": "UPSERT",
        "effective_at": NOW,
        "patient_id": "P000000001",
        "surviving_patient_id": "P000000002",
        "first_name": "Zoë",
        "middle_name": "M",
        "last_name": "Brandt",
        "birth_date": date(1950, 2, 28),
        "death_date": date(2026, 6, 14),
        "gender": "FEMALE",
        "ssn": "900-01-0001",
        "address_line1": "1 Elm St",
        "address_line2": "Apt 1",
        "city": "Brookhaven",
        "county": "Suffolk",
        "state": "NY",
        "postal_code": "11701",
        "country": "US",
        "phone": "201-555-0001",
        "fax": "201-555-0002",
        "email": "zoe@example.com",
        "driver_license": "NY1",
        "member_id": "M1",
        "payer_bin": "610011",
        "plan_id": "A",
        "primary_pharmacy_ncpdp_id": STORE,
        "primary_prescriber_npi": DOCTOR,
        "preferred_language": "en",
        "allergies": [],
        "consent_marketing": False,
        "consent_research": False,
        "gdpr_subject": False,
        "sync_enrolled": False,
        "deceased": True,
    },
}


def _drug(ndc: str, atc: str, **other: Any) -> Row:
    plain = {
        "ndc11": ndc,
        "ndc_source_format": "F442",
        "proprietary_name": "X",
        "nonproprietary_name": "x",
        "labeler": "L",
        "dosage_form": "TABLET",
        "package_size": Decimal("90.000"),
        "unit_of_measure": "EA",
        "atc": atc,
        "pdc_class": [],
        "dea_schedule": "NONE",
        "multi_source_code": "Y",
        "rx_otc": "RX",
        "max_daily_dose": Decimal("4.000"),
        "refrigerated": False,
        "marketing_start": date(2020, 1, 1),
        "effective_from": datetime(2020, 1, 1, tzinfo=UTC),
    }
    return plain | other


def _prescriber(npi: str, **other: Any) -> Row:
    plain = {
        "npi": npi,
        "dea_expires": date(2027, 1, 1),
        "dea_schedules": ["CII", "CIII", "CIV", "CV"],
        "last_name": "Brandt",
        "oig_excluded": False,
        "effective_from": datetime(2020, 1, 1, tzinfo=UTC),
    }
    return plain | other


def _patient(patient_id: str, op: str, since: datetime) -> Row:
    passing = {k: v for k, v in ROWS["patient_update"].items() if k != "_timestamp"}
    return {**passing, "patient_id": patient_id, "op": op, "effective_at": since}


def _pharmacy(ncpdp: str, kind: str) -> Row:
    return {
        "pharmacy_ncpdp_id": ncpdp,
        "npi": "1234567893",
        "name": "S",
        "state": "NY",
        "postal_code": "11701",
        "time_zone": "America/New_York",
        "open_24h": False,
        "dispenser_class": kind,
        "effective_from": datetime(2020, 1, 1, tzinfo=UTC),
        "active": True,
    }


REFERENCES: Mapping[str, Sequence[Row]] = {
    "drug_ref": [
        _drug(TABLET, "C10AA05"),
        _drug(OPIOID, "N02AA05", dea_schedule="CII"),
        _drug(STEROID, "G03BA03", dea_schedule="CIII"),
        _drug(INHALER, "R03AC02", dosage_form="INHALER", package_size=Decimal("18.000")),
        _drug(BRAND, "C10AA05", multi_source_code="O"),
        _drug(PILL, "G03AA07"),
        _drug(PROSTATE, "G04CB01"),
        _drug(RETIRED, "C10AA05", marketing_end=date(2022, 1, 1)),
        _drug(CREAM, "D07AA02", max_daily_dose=None),
        _drug(LIQUID, "R05DA09", unit_of_measure="ML"),
    ],
    "prescriber_ref": [
        _prescriber(DOCTOR),
        _prescriber(NURSE, dea_schedules=["CV"], last_name="Ärmel"),
        _prescriber(GONE, npi_deactivated_on=TODAY - DAY),
        _prescriber(LAPSED, dea_expires=TODAY - 60 * DAY),
    ],
    "pharmacy_ref": [_pharmacy(STORE, "RETAIL"), _pharmacy(MAIL, "MAIL")],
    "patient_update": [
        _patient(ROWS["dispense_event"]["patient_id"], "UPSERT", NOW - 9 * DAY),
        _patient(DEAD, "UPSERT", NOW - 9 * DAY),
        _patient(DEAD, "DECEASED", NOW - HOUR),
        # Later news of the chart is no news of the death.
        _patient(DEAD, "UPSERT", NOW - MINUTE),
        _patient(REINSTATED, "DECEASED", NOW - 3 * HOUR),
        _patient(REINSTATED, "REINSTATE", NOW - HOUR),
        _patient(DYING, "DECEASED", NOW),
    ],
}


@functools.cache
def packaged_rules() -> RuleSet:
    """The rules of the pharmacy's pipeline."""
    return load_rules(importlib.resources.files("beam_pipelines.pharmacy") / "rules.yaml")


def columns(dataset: str) -> pa.Schema:
    """The columns of a dataset's rows, as far as rules look at them."""
    offset = pa.field("_offset", pa.int64(), nullable=False)
    return pa.schema([offset, TIMESTAMP, *arrow_schema(packaged_dataset(dataset).reader)])


def reference_tables() -> dict[str, pa.Table]:
    """The references' rows by dataset."""
    return {
        name: pa.Table.from_pylist(rows, arrow_schema(packaged_dataset(name).reader))
        for name, rows in REFERENCES.items()
    }


#: The keys of the links by which references are looked up.
LINK_KEYS = LinkKeys("5a" * 32, domain="rules")


def linked(table: pa.Table) -> pa.Table:
    """Patient updates with their links, as the lake holds them."""
    links = Links(LINK_KEYS.of("patient")).of([table["patient_id"].combine_chunks()])
    return table.append_column(pa.field("patient_link", LINK_TYPE), links)


def plan(dataset: str, references: Mapping[str, pa.Table]) -> RulePlan:
    """The packaged rules of a dataset over references with these rows."""
    rules = packaged_rules()
    engine = Engine((*FUNCTIONS, *link_functions(rules.references, LINK_KEYS)))
    needed = needed_columns([engine.parse(rule.expression) for rule in rules.of(dataset)])
    joins: list[Join] = []
    for name, spec in rules.references_of(dataset).items():
        rows = references[spec.dataset]
        held = versions(rows_of(engine, spec, linked(rows) if spec.link else rows), spec)
        joins.append(pruned_join(name, spec, dataset, held, needed.get(name, ())))
    return RulePlan(rules.of(dataset), engine, joins, columns(dataset))


def tripped(judging: RulePlan, table: pa.Table) -> list[set[str]]:
    """The ids of the rules that each row trips, or on which one fails: those with ``!``."""
    found = judge(table, judging)
    sets: list[set[str]] = [set() for _ in range(table.num_rows)]
    for row, trips, fails in zip(found.rows, found.trips, found.fails, strict=True):
        for rule, trip, fail in zip(judging.rules, trips, fails, strict=True):
            if trip or fail:
                sets[row].add(rule.id + "!" * bool(fail))
    return sets


def changed(dataset: str, changes: Sequence[Row]) -> pa.Table:
    """The passing row once per change, with that change made."""
    rows = [{"_offset": number, **ROWS[dataset], **change} for number, change in enumerate(changes)]
    for row in rows:
        unknown = set(row) - set(columns(dataset).names)
        assert not unknown, f"{dataset} has no {unknown}"
    return pa.Table.from_pylist(rows, columns(dataset))
