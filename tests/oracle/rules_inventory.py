"""The rules of inventory movements; see ``rules_dispense``."""

from typing import Any, Final

from tests.oracle.identifiers import gtin_fits_ndc, is_gs1_serial, is_gtin, sgtin
from tests.oracle.rules_dispense import (
    Rules,
    expires,
    is_ndc,
    not_future,
    not_late,
    whole_packages,
)
from tests.oracle.unknown import Truth, eq, every, le, size


def _same_item(r: Any) -> Truth:
    if r.epc is None:
        return True
    told = sgtin(r.epc)
    return told is not None and every(eq(told[0], r.gtin), eq(told[1], r.serial_number))


INVENTORY: Final[Rules] = {
    "R01": ("error", "event_id", lambda r: size(r.event_id) == 36),
    "R01.pharmacy": ("error", "pharmacy_ncpdp_id", lambda r: size(r.pharmacy_ncpdp_id) == 7),
    "R01.ndc": ("error", "ndc", lambda r: r.ndc != ""),
    "R01.future": ("error", "event_time", not_future),
    "R01.late": ("warn", "event_time", not_late),
    "R02": ("error", "ndc", lambda r: r.ndc == "" or is_ndc(r.ndc)),
    "R03": ("warn", "ndc", lambda r: r.drug.ndc11 is not None),
    "R10.unit": (
        "warn", "unit_of_measure", lambda r: eq(r.unit_of_measure, r.drug.unit_of_measure)
    ),
    "R11": (
        "warn", "quantity_delta",
        lambda r: r.movement_type != "RECEIPT" or whole_packages(r.quantity_delta, r.drug),
    ),
    "R19": (
        "error", "gtin", lambda r: None if r.gtin is None else len(r.gtin) == 14 and is_gtin(r.gtin)
    ),
    "R19.ndc": ("error", "gtin", lambda r: gtin_fits_ndc(r.gtin, r.ndc)),
    "R19.serial": ("error", "serial_number", lambda r: is_gs1_serial(r.serial_number)),
    "R19.lot": ("error", "lot_number", lambda r: is_gs1_serial(r.lot_number)),
    "R19.expiry": ("error", "expiration_date", lambda r: expires(r.expiration_date)),
    "R19.epc": ("error", "epc", _same_item),
    "L08": ("error", "quantity_delta", lambda r: abs(r.quantity_delta) < 10**7),
    "L10": ("error", "unit_cost", lambda r: r.unit_cost is None or abs(r.unit_cost) < 10**6),
    "L11": ("error", "counterparty_id", lambda r: le(size(r.counterparty_id), 64)),
    "L12": ("error", "transfer_id", lambda r: le(size(r.transfer_id), 64)),
}  # fmt: skip
"""Rule -> severity, the field at fault, and what must hold."""
