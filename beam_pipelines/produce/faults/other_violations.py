"""Inventory movements and patient updates that trip the packaged rules."""

from typing import Final

from beam_pipelines.produce.faults.violations import (
    COMMON,
    DAY,
    UNKNOWN_NDC,
    Changes,
    Facts,
    Row,
    Violation,
    put,
    wrong_digit,
)

# Neither package can contradict an NDC that it doesn't name.
_NO_PACKAGE: Final[Changes] = {"gtin": None, "epc": None}


def _received(row: Row, facts: Facts) -> bool:
    forms = ("INJECTION", "INHALER", "SPRAY")
    return row["movement_type"] == "RECEIPT" and facts.drugs[row["ndc"]].form in forms


def _scanned(row: Row, facts: Facts) -> bool:
    return row["epc"] is not None


def _another_gtin(row: Row, facts: Facts) -> Changes:
    other = next(gtin for ndc, gtin in facts.gtins.items() if ndc != row["ndc"])
    return {"gtin": other, "epc": None}


def _late(row: Row, facts: Facts) -> Changes:
    return {"event_time": row["timestamp"] - 500 * DAY}


INVENTORY_VIOLATIONS: Final = (
    *COMMON,
    Violation("R01.pharmacy", put("pharmacy_ncpdp_id", "")),
    Violation("R01.ndc", lambda r, f: {"ndc": "", **_NO_PACKAGE}, also=("R03",)),
    Violation("R01.late", _late, also=("R03",)),
    Violation("R02", lambda r, f: {"ndc": "00000000000", **_NO_PACKAGE}, also=("R03",)),
    Violation("R03", lambda r, f: {"ndc": UNKNOWN_NDC, **_NO_PACKAGE}),
    Violation(
        "R10.unit",
        lambda r, f: {"unit_of_measure": "EA" if r["unit_of_measure"] == "ML" else "ML"},
    ),
    Violation("R11", lambda r, f: {"quantity_delta": r["quantity_delta"] + 500}, _received),
    Violation("R19", lambda r, f: {"gtin": wrong_digit(r["gtin"]), "epc": None}),
    Violation("R19.ndc", _another_gtin),
    Violation("R19.serial", lambda r, f: {"serial_number": "1" * 21, "epc": None}),
    Violation("R19.lot", put("lot_number", "L 12345")),
    Violation("R19.expiry", put("expiration_date", 0)),
    Violation("R19.epc", lambda r, f: {"serial_number": r["serial_number"][::-1]}, _scanned),
    Violation("L08", put("quantity_delta", -(10**10))),
    Violation("L10", put("unit_cost", 10**10)),
    Violation("L11", put("counterparty_id", "0" * 65)),
    Violation("L12", put("transfer_id", "T" * 65)),
)
"""At least one for each rule of `inventory_movement`."""


def _known(row: Row, facts: Facts) -> bool:
    return row["birth_date"] is not None


def _alive(row: Row, facts: Facts) -> bool:
    return _known(row, facts) and row["death_date"] is None


PATIENT_VIOLATIONS: Final = (
    *COMMON,
    Violation("R01.late", _late),
    Violation("R15", lambda r, f: {"birth_date": f.day + 30}, _alive),
    Violation("R15.age", lambda r, f: {"birth_date": f.day - 130 * 366}, _alive),
    Violation("R15.death", lambda r, f: {"death_date": r["birth_date"] - 1}, _alive),
    Violation("R15.deceased", lambda r, f: {"op": "DECEASED", "death_date": None}),
    Violation("R27", put("postal_code", "99501"), _known),
    Violation("L02", put("patient_id", "P" * 65)),
    Violation("L13", put("first_name", "Zoë" * 26)),
    Violation("L14", put("last_name", "Núñez" * 15)),
    Violation("L15", put("address_line1", "1 Elm St " * 23)),
    Violation("L16", put("city", "Brookhaven" * 11)),
    Violation("L17", put("email", "x" * 243 + "@example.com")),
)
"""At least one for each rule of `patient_update`."""
