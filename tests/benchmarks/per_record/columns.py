"""The derived columns of the packaged configuration as a Python function of dicts."""

from datetime import date
from typing import Any, Final

import pyarrow as pa

Row = dict[str, Any]

TYPES: Final = {
    "ndc11": pa.string(),
    "store_time_zone": pa.string(),
    "turnaround_minutes": pa.float64(),
    "age_at_service": pa.string(),
    "generic_substitution": pa.string(),
}
_SOURCES: Final = {"Y": "generic", "N": "single_source"}


def derived(row: Row, drug: Row | None, pharmacy: Row | None) -> Row:
    """Returns the derived columns of a row, the age already as a band."""
    ready = row["event_type"] == "READY" and row["received_at"] is not None
    waited = (row["event_time"] - row["received_at"]).total_seconds() / 60 if ready else None
    born = row["patient_dob"]
    return {
        "ndc11": row["ndc"].replace("-", ""),
        "store_time_zone": pharmacy["time_zone"] if pharmacy else "UTC",
        "turnaround_minutes": waited,
        "age_at_service": band(born, row["date_of_service"]) if born is not None else None,
        "generic_substitution": _SOURCES.get(drug["multi_source_code"], "brand") if drug else None,
    }


def band(born: date, day: date) -> str:
    """Returns the five years in which an age falls."""
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return "90+" if years >= 90 else f"{years - years % 5}-{years - years % 5 + 4}"
