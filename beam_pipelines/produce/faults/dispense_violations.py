"""Dispense events that trip the packaged rules, one rule at a time as far as rules allow."""

from typing import Final

from beam_pipelines.produce.drug_list import Drug
from beam_pipelines.produce.faults.deaths import AFTER_DEATH, PATIENT, is_dispensed
from beam_pipelines.produce.faults.violations import (
    COMMON,
    DAY,
    HOUR,
    UNKNOWN_NDC,
    Changes,
    Facts,
    Row,
    Violation,
    put,
    wrong_digit,
)

# Forms whose packages can't be broken.
_UNBREAKABLE: Final = ("INJECTION", "INHALER", "SPRAY")
# ATC groups that the rules keep from children; the stream has no others of the rules' list.
_NOT_FOR_CHILDREN: Final = ("N02A", "C10A")
_YEAR: Final = 365


def _drug(row: Row, facts: Facts) -> Drug:
    return facts.drugs[row["ndc"]]


def _plain(row: Row, facts: Facts) -> bool:
    return bool(row["dea_schedule"] == "NONE")


def _controlled(row: Row, facts: Facts) -> bool:
    return not _plain(row, facts)


def _second(row: Row, facts: Facts) -> bool:
    return bool(row["dea_schedule"] == "CII")


def _third_or_fourth(row: Row, facts: Facts) -> bool:
    return row["dea_schedule"] in ("CIII", "CIV")


def _waiting(row: Row, facts: Facts) -> bool:
    return row["picked_up_at"] is None


def _adult(row: Row, facts: Facts) -> bool:
    return bool(row["patient_dob"] < facts.day - 40 * _YEAR)


def _brand(row: Row, facts: Facts) -> bool:
    return row["ndc"] in facts.brands


def _generic(row: Row, facts: Facts) -> bool:
    return row["ndc"] not in facts.brands


def _retail(row: Row, facts: Facts) -> bool:
    return row["pharmacy_ncpdp_id"] in facts.retail and not _second(row, facts)


def _by_the_day(row: Row, facts: Facts) -> bool:
    return _drug(row, facts).daily > 0


def _unbreakable(row: Row, facts: Facts) -> bool:
    return _drug(row, facts).form in _UNBREAKABLE


def _for_all_ages(row: Row, facts: Facts) -> bool:
    return not _drug(row, facts).atc.startswith(_NOT_FOR_CHILDREN)


def _on_the_day(row: Row, facts: Facts) -> bool:
    return bool(row["date_of_service"] == facts.day and facts.deactivated) and _plain(row, facts)


def _after_all_registrations(row: Row, facts: Facts) -> Changes:
    later = facts.day + 1_100
    return {"date_written": later, "date_of_service": later, "received_at": None}


def _before_the_market(row: Row, facts: Facts) -> Changes:
    early = facts.day - 2_000
    return {"date_written": early, "date_of_service": early}


def _another_letter(row: Row, facts: Facts) -> Changes:
    number = row["prescriber_dea"]
    return {"prescriber_dea": number[0] + ("Q" if number[1] != "Q" else "X") + number[2:]}


def _unregistered(row: Row, facts: Facts) -> Changes:
    number = row["prescriber_dea"]
    # The letter of a business fits any name, so that only the registration is missing.
    return {"prescriber_npi": facts.unregistered, "prescriber_dea": number[0] + "9" + number[2:]}


_WHO: Final = (
    Violation("R04", lambda r, f: {"prescriber_npi": wrong_digit(r["prescriber_npi"])}),
    Violation("R04.pharmacy", lambda r, f: {"pharmacy_npi": wrong_digit(r["pharmacy_npi"])}),
    Violation("R04.deactivated", lambda r, f: {"prescriber_npi": f.deactivated[0]}, _on_the_day),
    Violation("R05", put("prescriber_dea", None), _controlled),
    Violation(
        "R05", lambda r, f: {"prescriber_dea": wrong_digit(r["prescriber_dea"])}, _controlled
    ),
    Violation("R05.letter", _another_letter, _controlled),
    Violation("R05.schedule", put("dea_schedule", "NONE"), _controlled),
    Violation("R06", _unregistered, lambda r, f: bool(f.unregistered) and _controlled(r, f)),
    Violation(
        "R06.expired",
        _after_all_registrations,
        lambda r, f: _controlled(r, f) and _waiting(r, f),
    ),
    Violation("R07", lambda r, f: {"fill_number": 1, "refills_authorized": None}, _second),
    Violation("R07.partial", lambda r, f: _late_partial_fill(r), _second),
    Violation("R08", lambda r, f: {"fill_number": 6, "refills_authorized": 6}, _third_or_fourth),
    Violation(
        "R08.expired",
        lambda r, f: {"date_written": r["date_of_service"] - 220},
        lambda r, f: _third_or_fourth(r, f) and _adult(r, f),
    ),
)


def _late_partial_fill(row: Row) -> Changes:
    return {
        "fill_number": 1,
        "quantity_prescribed": row["quantity_dispensed"] * 2,
        "date_written": row["date_of_service"] - 70,
    }


_WHAT: Final = (
    Violation("R01.pharmacy", put("pharmacy_ncpdp_id", "")),
    Violation("R01.ndc", put("ndc", ""), also=("R03",)),
    Violation(
        "R01.late",
        lambda r, f: {
            "event_time": r["timestamp"] - 500 * DAY,
            "received_at": None,
            "picked_up_at": None,
        },
        also=("R03",),  # the drug file didn't have the drug at that time
    ),
    Violation("R02", lambda r, f: {"ndc": r["ndc"][1:]}, also=("R03",)),
    Violation("R02", put("ndc", "00000000000"), also=("R03",)),
    Violation("R02.prescribed", put("prescribed_ndc", "1234567890")),
    Violation("R03", put("ndc", UNKNOWN_NDC)),
    Violation("R03.marketed", _before_the_market, _adult),
    Violation("R09", put("quantity_dispensed", 0)),
    Violation("R09.days", put("days_supply", 400), _retail, also=("R09.long",)),
    Violation("R09.long", put("days_supply", 120), _retail),
    Violation("R09.schedule_ii", put("days_supply", 60), _second),
    Violation(
        "R10", lambda r, f: {"quantity_dispensed": r["quantity_dispensed"] * 10}, _by_the_day
    ),
    Violation(
        "R10.unit",
        lambda r, f: {"unit_of_measure": "EA" if r["unit_of_measure"] == "ML" else "ML"},
    ),
    Violation(
        "R11", lambda r, f: {"quantity_dispensed": r["quantity_dispensed"] + 500}, _unbreakable
    ),
    Violation("R13", put("daw_code", 12)),
    Violation("R13.generic", put("daw_code", 1), _generic),
    Violation("R13.brand", put("daw_code", 5), _brand),
    Violation("R13.multi_source", put("daw_code", 0), _brand),
    Violation("R17", lambda r, f: {"total_paid": r["total_paid"] + 100}, lambda r, f: _priced(r)),
    Violation("R17.patient_pay", put("patient_pay", -100)),
    Violation("R17.usual", put("usual_and_customary", -100)),
    Violation("R19.serial", put("product_serial", "123456789012345678901")),
    Violation("R19.lot", put("lot_number", "L 12345")),
    Violation("R19.expiry", put("expiration_date", 0)),
)


def _priced(row: Row) -> bool:
    return row["total_paid"] is not None


_WHEN: Final = (
    Violation("R14", lambda r, f: {"date_written": r["date_of_service"] + 1}),
    Violation("R14.received", lambda r, f: {"received_at": r["event_time"] + HOUR}, _waiting),
    Violation("R14.picked_up", lambda r, f: {"picked_up_at": r["event_time"] + HOUR}),
    Violation(
        "R14.age",
        lambda r, f: {"date_written": r["date_of_service"] - 400},
        lambda r, f: _plain(r, f) and _adult(r, f),
    ),
    Violation(
        "R15",
        lambda r, f: {"patient_dob": r["date_written"] + 1},
        lambda r, f: r["date_written"] < r["date_of_service"] and _for_all_ages(r, f),
    ),
    Violation("R15.age", lambda r, f: {"patient_dob": f.day - 130 * 366}),
    Violation(AFTER_DEATH, put("patient_id", PATIENT), lambda r, f: is_dispensed(r)),
    Violation(
        "R16",
        lambda r, f: {"fill_number": r["refills_authorized"] + 1},
        lambda r, f: _plain(r, f) and r["refills_authorized"] is not None,
    ),
    Violation("R27.zip", put("patient_zip", "1234")),
    Violation(
        "R27.age",
        lambda r, f: {"patient_dob": r["date_of_service"] - 5 * _YEAR},
        lambda r, f: not _for_all_ages(r, f),
    ),
)

_LIMITS: Final = (
    Violation("L01", put("rx_number", "20000A")),
    Violation("L02", put("patient_id", "")),
    Violation("L03", put("source_system", "x" * 65)),
    Violation("L04", put("cardholder_id", "M" * 65)),
    Violation("L05", put("group_id", "RX" * 40)),
    Violation("L06", put("sig_text", "TAKE " * 201)),
    Violation("L07", put("pharmacist_id", "RPH" * 22)),
    Violation("L08", put("quantity_dispensed", 10**10), _by_the_day, also=("R10",)),
    Violation("L09", put("quantity_prescribed", -1_000)),
    Violation("L10", put("usual_and_customary", 10**8)),
)

DISPENSE_VIOLATIONS: Final = (*COMMON, *_WHO, *_WHAT, *_WHEN, *_LIMITS)
"""At least one for each rule of `dispense_event` that an event by itself can trip."""
