"""The rules of dispense events, by the domain's facts (section 3.4) and the rules' own words."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tests.oracle.identifiers import dea_second_letter, is_dea, is_gs1_serial, is_npi, ndc11
from tests.oracle.moments import DAY_US, UnjudgeableError, midnight, months_after, moved, plain
from tests.oracle.unknown import (
    Truth,
    among,
    between,
    eq,
    every,
    le,
    lt,
    no,
    size,
    some,
)
from tests.oracle.zips import is_zip

MINUTE_US: Final = 60_000_000
#: Days by which a local date may differ from UTC's.
SLACK_US: Final = DAY_US
ZEROS: Final = "0" * 11
UNBREAKABLE: Final = re.compile("AEROSOL|INHALER|INJECTION|KIT|PEN|SPRAY")
FIRST_EXPIRY, LAST_EXPIRY = plain(date(2000, 1, 1)), plain(date(2099, 12, 31))

#: The least age by the first four characters of a drug's ATC code.
_LEAST_AGES: Final = {"N02A": 12, "C10A": 8, "J01A": 8, "J01M": 18, "G03A": 10, "M05B": 18,
                      "N06D": 18}  # fmt: skip

Rules = Mapping[str, tuple[str, str, Callable[[Any], Truth]]]


def not_future(r: Any) -> Truth:
    """It happened at most five minutes after the broker got it."""
    return le(r.event_time, moved(r.timestamp_us, 5 * MINUTE_US))


def not_late(r: Any) -> Truth:
    """It happened at most 400 days before the broker got it."""
    return le(moved(r.timestamp_us, -400 * DAY_US), r.event_time)


def is_ndc(ndc: str | None) -> Truth:
    """It has eleven digits, and not all zeros."""
    return None if ndc is None else ndc11(ndc) not in (None, ZEROS)


def whole_packages(quantity: Decimal, drug: Any) -> Truth:
    """A package that can't be broken is not: an inhaler, an insulin pen."""
    if drug.dosage_form is None:
        return None
    if not UNBREAKABLE.match(drug.dosage_form):
        return True
    size = drug.package_size
    return None if not size else quantity % size == 0


def expires(day: int | None) -> Truth:
    """AI (17) has two digits for the year."""
    return between(FIRST_EXPIRY, day, LAST_EXPIRY)


def _uncontrolled(r: Any) -> bool:
    return bool(r.dea_schedule == "NONE")


def _partial(r: Any) -> Truth:
    return lt(r.quantity_dispensed, r.quantity_prescribed)


def _initial(r: Any) -> Truth:
    """The DEA number's second letter is a business's 9, or the last name's initial."""
    letter = dea_second_letter(r.prescriber_dea)
    name = r.prescriber.last_name
    if letter == "9":
        return True
    if letter is None or name is None:
        return None
    bare = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return letter == bare[:1].upper()


def _on_market(r: Any) -> Truth:
    # Three years of shelf life after the last package was sold.
    return every(
        le(r.drug.marketing_start, r.date_of_service),
        le(midnight(r.date_of_service), _end_of_shelf_life(r)),
    )


def _end_of_shelf_life(r: Any) -> int | None:
    # An absurd date of the drug file must not make dead letters of all its events.
    try:
        return months_after(r.drug.marketing_end, 36)
    except UnjudgeableError:
        return None


def _refills_left(r: Any) -> Truth:
    partial = every(r.dea_schedule == "CII", _partial(r))
    return every(
        r.fill_number >= 0, some(le(r.fill_number, r.refills_authorized), partial)
    )  # fmt: skip


def _within(r: Any, months: int) -> Truth:
    return le(midnight(r.date_of_service), months_after(r.date_written, months))


def _partial_in_time(r: Any) -> Truth:
    written = midnight(r.date_written)
    end = None if written is None else midnight(r.date_written + 60)
    in_time = le(midnight(r.date_of_service), end)
    return some(r.dea_schedule != "CII", r.fill_number == 0, in_time)


def _received(r: Any) -> Truth:
    written = None if r.date_written is None else r.date_written * DAY_US - SLACK_US
    return every(
        le(written, r.received_at), le(r.received_at, r.event_time + 5 * MINUTE_US)
    )  # fmt: skip


def _picked_up(r: Any) -> Truth:
    return every(
        le(r.date_of_service * DAY_US - SLACK_US, r.picked_up_at),
        le(r.received_at, r.picked_up_at),
        le(r.picked_up_at, r.event_time + 5 * MINUTE_US),
    )


def _quarter_days(r: Any) -> int | None:
    """Four times the age in days: a year of 365.25 days has 1,461 of them."""
    return None if r.patient_dob is None else 4 * (r.date_of_service - r.patient_dob)


def _old_enough(r: Any) -> Truth:
    return le(_LEAST_AGES.get((r.drug.atc or "")[:4], 0) * 1_461, _quarter_days(r))


def _right_gender(r: Any) -> Truth:
    atc = r.drug.atc
    pill = None if atc is None else atc.startswith("G03A")
    mens = None if atc is None else atc.startswith(("G04BE", "G04CB"))
    return every(
        no(every(eq(r.patient_gender, "MALE"), pill)),
        no(every(eq(r.patient_gender, "FEMALE"), mens)),
    )


def _adds_up(r: Any) -> Truth:
    parts = (r.ingredient_cost, r.dispensing_fee, r.total_paid)
    if None in parts:
        return None
    return abs(parts[0] + parts[1] - parts[2]) <= Decimal("0.01")


def _small_amounts(r: Any) -> Truth:
    amounts = (r.ingredient_cost, r.dispensing_fee, r.usual_and_customary, r.patient_pay,
               r.total_paid)  # fmt: skip
    given = [abs(amount) for amount in amounts if amount is not None]
    return max(given) < 1_000_000 if given else None


def _dose(r: Any) -> Truth:
    most = r.drug.max_daily_dose
    return None if most is None else r.quantity_dispensed <= most * r.days_supply


def _multi_source(r: Any, codes: tuple[int, ...], sources: str) -> Truth:
    """With these DAW codes the drug's multi-source code is one of these."""
    return some(r.daw_code not in codes, among(r.drug.multi_source_code, sources))


def _not_multi_source(r: Any, codes: tuple[int, ...], sources: str) -> Truth:
    return some(r.daw_code not in codes, no(among(r.drug.multi_source_code, sources)))


DISPENSE: Final[Rules] = {
    "R01": ("error", "event_id", lambda r: size(r.event_id) == 36),
    "R01.pharmacy": ("error", "pharmacy_ncpdp_id", lambda r: size(r.pharmacy_ncpdp_id) == 7),
    "R01.ndc": ("error", "ndc", lambda r: r.ndc != ""),
    "R01.future": ("error", "event_time", not_future),
    "R01.late": ("warn", "event_time", not_late),
    "R02": ("error", "ndc", lambda r: r.ndc == "" or is_ndc(r.ndc)),
    "R02.prescribed": ("warn", "prescribed_ndc", lambda r: is_ndc(r.prescribed_ndc)),
    "R03": ("warn", "ndc", lambda r: r.drug.ndc11 is not None),
    "R03.marketed": ("warn", "date_of_service", _on_market),
    "R04": ("error", "prescriber_npi", lambda r: is_npi(r.prescriber_npi)),
    "R04.pharmacy": ("error", "pharmacy_npi", lambda r: is_npi(r.pharmacy_npi)),
    "R04.deactivated": (
        "warn", "prescriber_npi",
        lambda r: le(r.date_of_service, r.prescriber.npi_deactivated_on),
    ),
    "R05": (
        "error", "prescriber_dea",
        lambda r: _uncontrolled(r) or is_dea(r.prescriber_dea or ""),
    ),
    "R05.letter": ("warn", "prescriber_dea", lambda r: _uncontrolled(r) or _initial(r)),
    "R05.schedule": ("warn", "dea_schedule", lambda r: eq(r.dea_schedule, r.drug.dea_schedule)),
    "R06": (
        "error", "dea_schedule",
        lambda r: _uncontrolled(r) or r.prescriber.dea_schedules is None
        or r.dea_schedule in r.prescriber.dea_schedules,
    ),
    "R06.expired": (
        "error", "date_written",
        lambda r: _uncontrolled(r) or le(r.date_written, r.prescriber.dea_expires),
    ),
    "R07": (
        "error", "fill_number",
        lambda r: r.dea_schedule != "CII" or r.fill_number == 0 or _partial(r) is True,
    ),
    "R07.partial": ("error", "date_of_service", _partial_in_time),
    "R08": (
        "error", "fill_number",
        lambda r: r.dea_schedule not in ("CIII", "CIV") or r.fill_number <= 5,
    ),
    "R08.expired": (
        "error", "date_of_service",
        lambda r: some(r.dea_schedule not in ("CIII", "CIV"), _within(r, 6)),
    ),
    "R09": ("error", "quantity_dispensed", lambda r: r.quantity_dispensed > 0),
    "R09.days": ("error", "days_supply", lambda r: 1 <= r.days_supply <= 365),
    "R09.long": (
        "warn", "days_supply",
        lambda r: r.days_supply <= 90 or r.pharmacy.dispenser_class != "RETAIL",
    ),
    "R09.schedule_ii": (
        "warn", "days_supply", lambda r: r.dea_schedule != "CII" or r.days_supply <= 30
    ),
    "R10": ("warn", "quantity_dispensed", _dose),
    "R10.unit": (
        "warn", "unit_of_measure", lambda r: eq(r.unit_of_measure, r.drug.unit_of_measure)
    ),
    "R11": (
        "warn", "quantity_dispensed", lambda r: whole_packages(r.quantity_dispensed, r.drug)
    ),
    "R13": ("error", "daw_code", lambda r: 0 <= r.daw_code <= 9),
    "R13.generic": ("warn", "daw_code", lambda r: _not_multi_source(r, (1, 2), "Y")),
    "R13.brand": ("warn", "daw_code", lambda r: _multi_source(r, (5,), "Y")),
    "R13.multi_source": ("warn", "daw_code", lambda r: _not_multi_source(r, (0,), "MO")),
    "R14": ("error", "date_of_service", lambda r: le(r.date_written, r.date_of_service)),
    "R14.received": ("error", "received_at", _received),
    "R14.picked_up": ("error", "picked_up_at", _picked_up),
    "R14.age": ("error", "date_written", lambda r: some(not _uncontrolled(r), _within(r, 12))),
    "R15": ("error", "patient_dob", lambda r: le(r.patient_dob, r.date_written)),
    "R15.age": ("error", "patient_dob", lambda r: between(0, _quarter_days(r), 121 * 1_461)),
    "R15.deceased": (
        "alert",
        "patient_id",
        lambda r: some(no(eq(r.event_type, "DISPENSED")), no(eq(r.patient.op, "DECEASED"))),
    ),
    "R16": ("error", "fill_number", _refills_left),
    "R17": ("warn", "total_paid", _adds_up),
    "R17.patient_pay": ("warn", "patient_pay", lambda r: le(0, r.patient_pay)),
    "R17.usual": ("warn", "usual_and_customary", lambda r: le(0, r.usual_and_customary)),
    "R19.serial": ("error", "product_serial", lambda r: is_gs1_serial(r.product_serial)),
    "R19.lot": ("error", "lot_number", lambda r: is_gs1_serial(r.lot_number)),
    "R19.expiry": ("error", "expiration_date", lambda r: expires(r.expiration_date)),
    "R27.zip": (
        "warn", "patient_zip", lambda r: None if r.patient_zip is None else is_zip(r.patient_zip)
    ),
    "R27.gender": ("warn", "patient_gender", _right_gender),
    "R27.age": ("warn", "patient_dob", _old_enough),
    "L01": (
        "error", "rx_number",
        lambda r: bool(re.fullmatch("[0-9]{1,12}", r.rx_number, re.ASCII)),
    ),
    "L02": ("error", "patient_id", lambda r: between(1, size(r.patient_id), 64)),
    "L03": ("error", "source_system", lambda r: le(size(r.source_system), 64)),
    "L04": ("error", "cardholder_id", lambda r: le(size(r.cardholder_id), 64)),
    "L05": ("error", "group_id", lambda r: le(size(r.group_id), 64)),
    "L06": ("error", "sig_text", lambda r: le(size(r.sig_text), 1_000)),
    "L07": ("error", "pharmacist_id", lambda r: le(size(r.pharmacist_id), 64)),
    "L08": ("error", "quantity_dispensed", lambda r: r.quantity_dispensed < 10**7),
    "L09": (
        "error", "quantity_prescribed",
        lambda r: between(0, r.quantity_prescribed, Decimal("9999999.999")),
    ),
    "L10": ("error", "total_paid", _small_amounts),
}  # fmt: skip
"""Rule -> severity, the field at fault, and what must hold."""
