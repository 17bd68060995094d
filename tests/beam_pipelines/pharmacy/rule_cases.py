"""For each rule of the pharmacy a row that trips it, and one next to it that must not."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tests.beam_pipelines.pharmacy.rule_rows import (
    BRAND,
    CREAM,
    DAY,
    DEAD,
    DYING,
    GONE,
    INHALER,
    LAPSED,
    LIQUID,
    MAIL,
    MINUTE,
    NOW,
    NURSE,
    OPIOID,
    PILL,
    PROSTATE,
    RETIRED,
    STEROID,
    TABLET,
    TODAY,
    UNKNOWN,
    Row,
)


class Case(NamedTuple):
    """Changes to the passing row.

    Attributes:
        trips: Changes that trip the rule.
        holds: Changes that trip no rule at all.
        also: Other rules that ``trips`` trips too.
    """

    trips: Row
    holds: Row
    also: frozenset[str] = frozenset()


def _case(trips: Row, holds: Row, *also: str) -> Case:
    return Case(trips, holds, frozenset(also))


def _opioid(**changes: Any) -> Row:
    return {
        "ndc": OPIOID,
        "dea_schedule": "CII",
        "fill_number": 0,
        "refills_authorized": 0,
    } | changes


def _steroid(**changes: Any) -> Row:
    return {"ndc": STEROID, "dea_schedule": "CIII", "refills_authorized": 9, **changes}


_SEVEN = Decimal("9999999.999")
_EIGHT = Decimal("10000000.000")


def _at_most(field: str, size: int) -> Case:
    """A field that holds ``size`` bytes, in letters of two bytes, and one more."""
    letters = "é" * (size // 2)
    return _case({field: letters + "x"}, {field: letters})


_HEADER = {
    "R01": _case({"event_id": ""}, {"event_id": "F" * 36}),
    "R01.future": _case({"event_time": NOW + 6 * MINUTE}, {"event_time": NOW + 5 * MINUTE}),
    "R01.late": _case({"event_time": NOW - 401 * DAY}, {"event_time": NOW - 399 * DAY}),
}

_DISPENSE: dict[str, Case] = {
    **_HEADER,
    "R01.late": _case(
        {"event_time": NOW - 401 * DAY, "received_at": None, "picked_up_at": None},
        {"event_time": NOW - 399 * DAY, "received_at": None, "picked_up_at": None},
    ),
    "R01.pharmacy": _case({"pharmacy_ncpdp_id": ""}, {"pharmacy_ncpdp_id": "7654321"}),
    "R01.ndc": _case({"ndc": ""}, {"ndc": "00002-8215-01"}, "R03"),
    "R02": _case({"ndc": "0002821501"}, {"ndc": "0002-8215-01"}, "R03"),
    "R02.prescribed": _case({"prescribed_ndc": "00000000000"}, {"prescribed_ndc": "12345-1234-1"}),
    "R03": _case({"ndc": UNKNOWN}, {"ndc": TABLET}),
    "R03.marketed": _case(
        {"ndc": RETIRED},
        {
            "ndc": RETIRED,
            "date_written": date(2024, 12, 1),
            "date_of_service": date(2025, 1, 1),
        },
    ),
    "R04": _case({"prescriber_npi": "1234567890"}, {"prescriber_npi": "2000000002"}),
    "R04.pharmacy": _case({"pharmacy_npi": "1234567890"}, {"pharmacy_npi": "2000000002"}),
    "R04.deactivated": _case(
        {"prescriber_npi": GONE}, {"prescriber_npi": GONE, "date_of_service": TODAY - DAY}
    ),
    "R05": _case(_opioid(prescriber_dea=None), {"prescriber_dea": None}),
    "R05.letter": _case(
        _opioid(prescriber_dea="AC1234563"), _opioid(prescriber_dea="F91234563-12")
    ),
    "R05.schedule": _case({"ndc": OPIOID}, _opioid()),
    "R06": _case(
        _opioid(prescriber_npi=NURSE, prescriber_dea="MA1234563"),
        _steroid(dea_schedule="CIII", prescriber_npi="2000000002"),
    ),
    "R06.expired": _case(
        _opioid(prescriber_npi=LAPSED),
        _steroid(prescriber_npi=LAPSED, date_written=TODAY - 60 * DAY),
    ),
    "R07": _case(
        _opioid(fill_number=1),
        _opioid(fill_number=1, quantity_dispensed=Decimal("15.000")),
        "R16",
    ),
    "R07.partial": _case(
        _opioid(fill_number=1, quantity_dispensed=Decimal("15.000"), date_written=TODAY - 61 * DAY),
        _opioid(fill_number=1, quantity_dispensed=Decimal("15.000"), date_written=TODAY - 60 * DAY),
    ),
    "R08": _case(_steroid(fill_number=6), _steroid(fill_number=5)),
    "R08.expired": _case(
        _steroid(date_written=date(2025, 12, 14)), _steroid(date_written=date(2025, 12, 15))
    ),
    "R09": _case(
        {"quantity_dispensed": Decimal("0.000")}, {"quantity_dispensed": Decimal("0.001")}
    ),
    "R09.days": _case(
        {"days_supply": 366, "pharmacy_ncpdp_id": MAIL},
        {"days_supply": 365, "pharmacy_ncpdp_id": MAIL},
    ),
    "R09.long": _case({"days_supply": 91}, {"days_supply": 90}),
    "R09.schedule_ii": _case(_opioid(days_supply=31), _opioid(days_supply=30)),
    "R10": _case(
        {"quantity_dispensed": Decimal("120.001")}, {"quantity_dispensed": Decimal("120.000")}
    ),
    "R10.unit": _case({"unit_of_measure": "ML"}, {"unit_of_measure": "ML", "ndc": LIQUID}),
    "R11": _case(
        {"ndc": INHALER, "quantity_dispensed": Decimal("20.000")},
        {"ndc": INHALER, "quantity_dispensed": Decimal("36.000")},
    ),
    "R13": _case({"daw_code": 10}, {"daw_code": 9}),
    "R13.generic": _case({"daw_code": 1}, {"daw_code": 2, "ndc": BRAND}),
    "R13.brand": _case({"daw_code": 5, "ndc": BRAND}, {"daw_code": 5}),
    "R13.multi_source": _case({"ndc": BRAND}, {"ndc": BRAND, "daw_code": 9}),
    "R14": _case({"date_written": TODAY + DAY, "received_at": None}, {"date_written": TODAY}),
    "R14.received": _case(
        {"received_at": NOW + 10 * MINUTE, "picked_up_at": None},
        {"received_at": NOW + 4 * MINUTE, "picked_up_at": None},
    ),
    "R14.picked_up": _case({"picked_up_at": NOW + 5 * MINUTE}, {"picked_up_at": NOW + 4 * MINUTE}),
    "R14.age": _case({"date_written": date(2025, 6, 14)}, {"date_written": date(2025, 6, 15)}),
    "R15": _case(
        {"patient_dob": TODAY - 29 * DAY, "ndc": CREAM},
        {"patient_dob": TODAY - 30 * DAY, "ndc": CREAM},
    ),
    "R15.age": _case({"patient_dob": date(1905, 6, 1)}, {"patient_dob": date(1905, 7, 1)}),
    "R15.deceased": _case({"patient_id": DEAD}, {"patient_id": DYING}),
    "R16": _case({"fill_number": 4}, {"fill_number": 3}),
    "R17": _case({"total_paid": Decimal("11.73")}, {"total_paid": Decimal("11.74")}),
    "R17.patient_pay": _case({"patient_pay": Decimal("-0.01")}, {"patient_pay": Decimal("0.00")}),
    "R17.usual": _case(
        {"usual_and_customary": Decimal("-0.01")}, {"usual_and_customary": Decimal("0.00")}
    ),
    "R19.serial": _case({"product_serial": "7" * 21}, {"product_serial": "7" * 20}),
    "R19.lot": _case({"lot_number": "L 1"}, {"lot_number": "L/1"}),
    "R19.expiry": _case(
        {"expiration_date": date(1999, 12, 31)}, {"expiration_date": date(2000, 1, 1)}
    ),
    "R27.zip": _case({"patient_zip": "1170"}, {"patient_zip": "11701-0001"}),
    "R27.gender": _case(
        {"patient_gender": "FEMALE", "ndc": PROSTATE}, {"patient_gender": "FEMALE", "ndc": PILL}
    ),
    "R27.age": _case({"patient_dob": date(2019, 1, 1)}, {"patient_dob": date(2018, 6, 14)}),
    "L01": _case({"rx_number": "1" * 13}, {"rx_number": "1" * 12}),
    "L02": _at_most("patient_id", 64),
    "L03": _at_most("source_system", 64),
    "L04": _at_most("cardholder_id", 64),
    "L05": _at_most("group_id", 64),
    "L06": _at_most("sig_text", 1000),
    "L07": _at_most("pharmacist_id", 64),
    "L08": _case(
        {"quantity_dispensed": _EIGHT, "ndc": CREAM}, {"quantity_dispensed": _SEVEN, "ndc": CREAM}
    ),
    "L09": _case({"quantity_prescribed": Decimal("-1.000")}, {"quantity_prescribed": _SEVEN}),
    "L10": _case(
        {"usual_and_customary": Decimal("1000000.00")},
        {"usual_and_customary": Decimal("999999.99")},
    ),
}

_NO_CODES: Row = {"gtin": None, "epc": None}

_INVENTORY: dict[str, Case] = {
    **_HEADER,
    "R01.pharmacy": _case({"pharmacy_ncpdp_id": ""}, {"pharmacy_ncpdp_id": "7654321"}),
    "R01.ndc": _case({"ndc": ""}, {"ndc": "00002-8215-01"}, "R03"),
    "R02": _case({"ndc": "00000000000", **_NO_CODES}, {"ndc": "0002-8215-01"}, "R03"),
    "R03": _case({"ndc": UNKNOWN, **_NO_CODES}, {"ndc": BRAND, **_NO_CODES}),
    "R10.unit": _case(
        {"unit_of_measure": "ML"}, {"unit_of_measure": "ML", "ndc": LIQUID, **_NO_CODES}
    ),
    "R11": _case(
        {"ndc": INHALER, "quantity_delta": Decimal("20.000"), **_NO_CODES},
        {
            "ndc": INHALER,
            "quantity_delta": Decimal("-20.000"),
            "movement_type": "ADJUSTMENT",
            **_NO_CODES,
        },
    ),
    "R19": _case({"gtin": "00300028215013", "epc": None}, {"gtin": None}),
    "R19.ndc": _case({"ndc": BRAND}, {"gtin": "80614141123458", "epc": None}),
    "R19.serial": _case(
        {"serial_number": "7" * 21, "epc": None}, {"serial_number": "7" * 20, "epc": None}
    ),
    "R19.lot": _case({"lot_number": ""}, {"lot_number": "L/1"}),
    "R19.expiry": _case(
        {"expiration_date": date(2100, 1, 1)}, {"expiration_date": date(2099, 12, 31)}
    ),
    "R19.epc": _case(
        {"epc": "urn:epc:id:sgtin:030002.0821501.6788"},
        {"epc": "3074257BF7194E4000001A85", "gtin": "80614141123458"},
    ),
    "L08": _case({"quantity_delta": -_EIGHT}, {"quantity_delta": -_SEVEN}),
    "L10": _case({"unit_cost": Decimal("1000000.0000")}, {"unit_cost": Decimal("999999.9999")}),
    "L11": _at_most("counterparty_id", 64),
    "L12": _at_most("transfer_id", 64),
}

_PATIENT: dict[str, Case] = {
    **_HEADER,
    "R15": _case(
        {"birth_date": TODAY + 2 * DAY, "death_date": None},
        {"birth_date": TODAY + DAY, "death_date": None},
    ),
    "R15.age": _case({"birth_date": date(1905, 6, 1)}, {"birth_date": date(1905, 7, 1)}),
    "R15.death": _case({"death_date": date(1950, 2, 27)}, {"death_date": date(1950, 2, 28)}),
    "R15.deceased": _case({"op": "DECEASED", "death_date": None}, {"op": "DECEASED"}),
    "R27": _case({"state": "NJ"}, {"country": "CA", "postal_code": "K1A 0B1", "state": "ON"}),
    "L02": _at_most("patient_id", 64),
    "L13": _at_most("first_name", 100),
    "L14": _at_most("last_name", 100),
    "L15": _at_most("address_line1", 200),
    "L16": _at_most("city", 100),
    "L17": _at_most("email", 254),
}

CASES: Mapping[str, Mapping[str, Case]] = {
    "dispense_event": _DISPENSE,
    "inventory_movement": _INVENTORY,
    "patient_update": _PATIENT,
}
"""Dataset -> rule -> its case."""
