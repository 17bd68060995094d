"""The packaged rules of dispense events as Python functions of dicts: the same ids and verdicts.

A comparison with None raises TypeError, which counts as holding: that is SQL's NULL.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

Row = dict[str, Any]
#: row, drug, prescriber, pharmacy -> whether the rule holds
Holds = Callable[[Row, Any, Any, Any], Any]

_MINUTES_5: Final = timedelta(minutes=5)
_DAY: Final = timedelta(days=1)
_NPI: Final = re.compile(r"[12][0-9]{9}")
_DEA: Final = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9]([0-9]{7})(-[A-Za-z0-9]+)?")
_SERIAL: Final = re.compile(r"[!\"%-?A-Z_a-z]{1,20}")
_ZIP: Final = re.compile(r"[0-9]{5}(-?[0-9]{4})?")
_RX: Final = re.compile(r"[0-9]{1,12}")
_WHOLE: Final = re.compile(r"(AEROSOL|INHALER|INJECTION|KIT|PEN|SPRAY)")
_NDC: Final = re.compile(
    r"[0-9]{11}|[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-([0-9]{3,4}-[0-9]{2}|[0-9]{4}-[0-9])"
)
_MEN_ONLY: Final = re.compile("G04(BE|CB)")
_YOUNGEST: Final = {
    "N02A": 12,
    "C10A": 8,
    "J01A": 8,
    "J01M": 18,
    "G03A": 10,
    "M05B": 18,
    "N06D": 18,
}
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def tripped(row: Row, drug: Row | None, prescriber: Row | None, pharmacy: Row | None) -> str:
    """Returns the ids of the rules that a row trips, comma-joined."""
    found = []
    for name, holds in RULES:
        try:
            if not holds(row, drug, prescriber, pharmacy):
                found.append(name)
        except TypeError:
            continue
    return ",".join(found)


def _is_npi(text: str) -> bool:
    if not _NPI.fullmatch(text):
        return False
    digits = [int(digit) for digit in text]
    return (24 + sum(_DOUBLED[d] for d in digits[::2]) + sum(digits[1::2])) % 10 == 0


def _is_dea(text: str) -> bool:
    match = _DEA.fullmatch(text)
    if match is None:
        return False
    d = [int(digit) for digit in match.group(1)]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def _is_ndc(text: str) -> bool:
    return bool(_NDC.fullmatch(text)) and text.strip("0-") != ""


def _time(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _stamp(row: Row) -> datetime:
    return datetime.fromtimestamp(row["_timestamp"] / 1000, UTC)


def _later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    last = (date(day.year + years + (month == 11), (month + 1) % 12 + 1, 1) - _DAY).day
    return date(day.year + years, month + 1, min(day.day, last))


def _age(row: Row) -> float:
    return float((row["date_of_service"] - row["patient_dob"]).days / 365.25)


def _free(row: Row) -> bool:
    return bool(row["dea_schedule"] == "NONE")


def _part(row: Row) -> bool:
    return bool(
        row["quantity_prescribed"] and row["quantity_dispensed"] < row["quantity_prescribed"]
    )


def _known(value: Any) -> Any:
    """Raises TypeError for None, where a comparison would not."""
    if value is None:
        raise TypeError
    return value


def _size(value: str | None) -> int:
    return len(_known(value).encode())


RULES: Final[tuple[tuple[str, Holds], ...]] = (
    ("R01", lambda r, d, p, s: _size(r["event_id"]) == 36),
    ("R01.pharmacy", lambda r, d, p, s: _size(r["pharmacy_ncpdp_id"]) == 7),
    ("R01.ndc", lambda r, d, p, s: r["ndc"] != ""),
    ("R01.future", lambda r, d, p, s: r["event_time"] <= _stamp(r) + _MINUTES_5),
    ("R01.late", lambda r, d, p, s: r["event_time"] >= _stamp(r) - 400 * _DAY),
    ("R02", lambda r, d, p, s: r["ndc"] == "" or _is_ndc(r["ndc"])),
    ("R02.prescribed", lambda r, d, p, s: _is_ndc(r["prescribed_ndc"])),
    ("R03", lambda r, d, p, s: d is not None),
    (
        "R03.marketed",
        lambda r, d, p, s: (
            r["date_of_service"] >= d["marketing_start"]
            and r["date_of_service"] <= _later(_known(d["marketing_end"]), 36)
        ),
    ),
    ("R04", lambda r, d, p, s: _is_npi(r["prescriber_npi"])),
    ("R04.pharmacy", lambda r, d, p, s: _is_npi(r["pharmacy_npi"])),
    ("R04.deactivated", lambda r, d, p, s: r["date_of_service"] <= p["npi_deactivated_on"]),
    (
        "R05",
        lambda r, d, p, s: (
            _free(r) or (r["prescriber_dea"] is not None and _is_dea(r["prescriber_dea"]))
        ),
    ),
    (
        "R05.letter",
        lambda r, d, p, s: _free(r) or r["prescriber_dea"][1] in ("9", p["last_name"][:1].upper()),
    ),
    ("R05.schedule", lambda r, d, p, s: r["dea_schedule"] == d["dea_schedule"]),
    ("R06", lambda r, d, p, s: _free(r) or r["dea_schedule"] in p["dea_schedules"]),
    ("R06.expired", lambda r, d, p, s: _free(r) or r["date_written"] <= p["dea_expires"]),
    (
        "R07",
        lambda r, d, p, s: r["dea_schedule"] != "CII" or r["fill_number"] == 0 or _part(r),
    ),
    (
        "R07.partial",
        lambda r, d, p, s: (
            r["dea_schedule"] != "CII"
            or r["fill_number"] == 0
            or r["date_of_service"] <= r["date_written"] + 60 * _DAY
        ),
    ),
    (
        "R08",
        lambda r, d, p, s: r["dea_schedule"] not in ("CIII", "CIV") or r["fill_number"] <= 5,
    ),
    (
        "R08.expired",
        lambda r, d, p, s: (
            r["dea_schedule"] not in ("CIII", "CIV")
            or r["date_of_service"] <= _later(_known(r["date_written"]), 6)
        ),
    ),
    ("R09", lambda r, d, p, s: r["quantity_dispensed"] > 0),
    ("R09.days", lambda r, d, p, s: 1 <= r["days_supply"] <= 365),
    (
        "R09.long",
        lambda r, d, p, s: r["days_supply"] <= 90 or s["dispenser_class"] != "RETAIL",
    ),
    (
        "R09.schedule_ii",
        lambda r, d, p, s: r["dea_schedule"] != "CII" or r["days_supply"] <= 30,
    ),
    (
        "R10",
        lambda r, d, p, s: r["quantity_dispensed"] <= d["max_daily_dose"] * r["days_supply"],
    ),
    ("R10.unit", lambda r, d, p, s: r["unit_of_measure"] == d["unit_of_measure"]),
    (
        "R11",
        lambda r, d, p, s: (
            not _WHOLE.match(d["dosage_form"])
            or not d["package_size"]
            or r["quantity_dispensed"] % d["package_size"] == 0
        ),
    ),
    ("R13", lambda r, d, p, s: 0 <= r["daw_code"] <= 9),
    (
        "R13.generic",
        lambda r, d, p, s: r["daw_code"] not in (1, 2) or d["multi_source_code"] != "Y",
    ),
    ("R13.brand", lambda r, d, p, s: r["daw_code"] != 5 or d["multi_source_code"] == "Y"),
    (
        "R13.multi_source",
        lambda r, d, p, s: r["daw_code"] != 0 or d["multi_source_code"] not in ("M", "O"),
    ),
    ("R14", lambda r, d, p, s: r["date_written"] <= r["date_of_service"]),
    (
        "R14.received",
        lambda r, d, p, s: (
            r["received_at"] >= _time(_known(r["date_written"])) - _DAY
            and r["received_at"] <= r["event_time"] + _MINUTES_5
        ),
    ),
    (
        "R14.picked_up",
        lambda r, d, p, s: (
            r["picked_up_at"] >= _time(r["date_of_service"]) - _DAY
            and r["picked_up_at"] >= r["received_at"]
            and r["picked_up_at"] <= r["event_time"] + _MINUTES_5
        ),
    ),
    (
        "R14.age",
        lambda r, d, p, s: (
            not _free(r) or r["date_of_service"] <= _later(_known(r["date_written"]), 12)
        ),
    ),
    ("R15", lambda r, d, p, s: r["patient_dob"] <= r["date_written"]),
    ("R15.age", lambda r, d, p, s: 0 <= _age(r) <= 121),
    (
        "R16",
        lambda r, d, p, s: (
            r["fill_number"] >= 0
            and (
                r["fill_number"] <= r["refills_authorized"]
                or (r["dea_schedule"] == "CII" and _part(r))
            )
        ),
    ),
    (
        "R17",
        lambda r, d, p, s: (
            abs(r["ingredient_cost"] + r["dispensing_fee"] - r["total_paid"]) <= Decimal("0.01")
        ),
    ),
    ("R17.patient_pay", lambda r, d, p, s: r["patient_pay"] >= 0),
    ("R17.usual", lambda r, d, p, s: r["usual_and_customary"] >= 0),
    ("R19.serial", lambda r, d, p, s: _SERIAL.fullmatch(r["product_serial"])),
    ("R19.lot", lambda r, d, p, s: _SERIAL.fullmatch(r["lot_number"])),
    ("R19.expiry", lambda r, d, p, s: 2000 <= _known(r["expiration_date"]).year <= 2099),
    ("R27.zip", lambda r, d, p, s: _ZIP.fullmatch(r["patient_zip"])),
    (
        "R27.gender",
        lambda r, d, p, s: (
            not (r["patient_gender"] == "MALE" and _known(d["atc"]).startswith("G03A"))
            and not (r["patient_gender"] == "FEMALE" and _MEN_ONLY.match(d["atc"]))
        ),
    ),
    ("R27.age", lambda r, d, p, s: _age(r) >= _YOUNGEST.get(d["atc"][:4], 0)),
    ("L01", lambda r, d, p, s: _RX.fullmatch(r["rx_number"])),
    ("L02", lambda r, d, p, s: 1 <= _size(r["patient_id"]) <= 64),
    ("L03", lambda r, d, p, s: _size(r["source_system"]) <= 64),
    ("L04", lambda r, d, p, s: _size(r["cardholder_id"]) <= 64),
    ("L05", lambda r, d, p, s: _size(r["group_id"]) <= 64),
    ("L06", lambda r, d, p, s: _size(r["sig_text"]) <= 1000),
    ("L07", lambda r, d, p, s: _size(r["pharmacist_id"]) <= 64),
    ("L08", lambda r, d, p, s: r["quantity_dispensed"] < 10_000_000),
    ("L09", lambda r, d, p, s: 0 <= r["quantity_prescribed"] < 10_000_000),
    (
        "L10",
        lambda r, d, p, s: all(
            abs(r[name]) < 1_000_000
            for name in (
                "ingredient_cost",
                "dispensing_fee",
                "usual_and_customary",
                "patient_pay",
                "total_paid",
            )
            if r[name] is not None
        ),
    ),
)
