"""The rules of patient updates; see ``rules_dispense``."""

from typing import Any, Final

from tests.oracle.moments import DAY_US, midnight
from tests.oracle.rules_dispense import SLACK_US, Rules, not_future, not_late
from tests.oracle.unknown import Truth, between, every, le, size
from tests.oracle.zips import zip_in_state

#: Of 365.25 days.
_YEAR_US: Final = 365 * DAY_US + DAY_US // 4


def _born(r: Any) -> Truth:
    return le(_start(r.birth_date), r.timestamp_us + SLACK_US)


def _start(day: int | None) -> int | None:
    return None if day is None else day * DAY_US


def _not_too_old(r: Any) -> Truth:
    died = midnight(r.death_date)
    last = r.timestamp_us if died is None else died
    born = _start(r.birth_date)
    return None if born is None else last - born < 121 * _YEAR_US


def _died(r: Any) -> Truth:
    return every(
        le(r.birth_date, r.death_date), le(_start(r.death_date), r.timestamp_us + SLACK_US)
    )


PATIENT: Final[Rules] = {
    "R01": ("error", "event_id", lambda r: size(r.event_id) == 36),
    "R01.future": ("error", "event_time", not_future),
    "R01.late": ("warn", "event_time", not_late),
    "R15": ("error", "birth_date", _born),
    "R15.age": ("error", "birth_date", _not_too_old),
    "R15.death": ("error", "death_date", _died),
    "R15.deceased": (
        "alert", "death_date", lambda r: r.op != "DECEASED" or r.death_date is not None
    ),
    "R27": (
        "warn", "postal_code",
        lambda r: r.country != "US" or zip_in_state(r.postal_code, r.state),
    ),
    "L02": ("error", "patient_id", lambda r: between(1, size(r.patient_id), 64)),
    "L13": ("error", "first_name", lambda r: le(size(r.first_name), 100)),
    "L14": ("error", "last_name", lambda r: le(size(r.last_name), 100)),
    "L15": ("error", "address_line1", lambda r: le(size(r.address_line1), 200)),
    "L16": ("error", "city", lambda r: le(size(r.city), 100)),
    "L17": ("error", "email", lambda r: le(size(r.email), 254)),
}  # fmt: skip
"""Rule -> severity, the field at fault, and what must hold."""
