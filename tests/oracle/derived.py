"""The derived columns of the packaged configuration, and their classes of personal data."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.oracle.identifiers import ndc11
from tests.oracle.moments import UnjudgeableError, completed_years
from tests.oracle.references import Seen

#: What a message becomes whose derived column can't be worked out; its field is the column.
FAILED: Final = "derived_column"

_MINUTE_US: Final = 60e6


def _turnaround(r: Seen) -> float | None:
    """Minutes from the prescription's arrival until it is ready."""
    if r.event_type != "READY" or r.received_at is None:
        return None
    micros = r.event_time - r.received_at
    if not -(2**63) <= micros < 2**63:
        raise UnjudgeableError
    return float(micros) / _MINUTE_US


def _substitution(r: Seen) -> str | None:
    code = r.drug.multi_source_code
    if code is None:
        return None
    return {"Y": "generic", "N": "single_source"}.get(code, "brand")


def _zone(r: Seen) -> str | None:
    zone: str | None = r.pharmacy.time_zone
    return zone


def _ndc11(r: Seen) -> str | None:
    return ndc11(r.ndc)


#: dataset -> derived column -> its class of personal data, and how it is worked out.
COLUMNS: Final[Mapping[str, Mapping[str, tuple[str, Callable[[Seen], Any]]]]] = {
    "dispense_event": {
        "ndc11": ("NONE", _ndc11),
        "store_time_zone": ("NONE", _zone),
        "turnaround_minutes": ("NONE", _turnaround),
        "age_at_service": ("Q:age", lambda r: completed_years(r.patient_dob, r.date_of_service)),
        "generic_substitution": ("NONE", _substitution),
        "reject_code_list": ("NONE", lambda r: ",".join(r.reject_codes[:5]) or None),
    },
    "inventory_movement": {"ndc11": ("NONE", _ndc11)},
}


class DerivedColumnError(Exception):
    """A column can't be worked out for a row.

    Args:
        column: The first such column, in their order.
    """

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def derived(dataset: str, row: Seen) -> dict[str, Any]:
    """The derived columns of a row.

    Raises:
        DerivedColumnError: One can't be worked out.
    """
    made = {}
    for name, (_, column) in COLUMNS.get(dataset, {}).items():
        try:
            made[name] = column(row)
        except UnjudgeableError:
            raise DerivedColumnError(name) from None
    return made
