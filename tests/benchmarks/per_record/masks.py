"""The masks of the packaged configuration as a Python function of a dict."""

import hmac
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from tests.benchmarks.per_record.columns import TYPES, band
from transforms.masking.zip3_table import ALLOWED

Row = dict[str, Any]

_KEY: Final = bytes(range(32))
_PSEUDONYMS: Final = (
    "rx_number",
    "patient_id",
    "cardholder_id",
    "group_id",
    "pharmacist_id",
    "product_serial",
)
_SHIFTED: Final = ("date_written", "date_of_service", "promised_at", "received_at", "picked_up_at")


def masked(row: Row) -> Row:
    """Returns a row as the policy ``pseudonymised`` has it."""
    shift = timedelta(days=int(_code(row["patient_id"])[:8], 16) % 365 + 1)
    for name in _PSEUDONYMS:
        if row[name]:
            row[name] = "v1:" + _code(row[name])
    for name in _SHIFTED:
        if row[name] is not None:
            row[name] -= shift
    if row["patient_dob"] is not None:
        row["patient_dob"] = band(row["patient_dob"], row["event_time"].date())
    if row["patient_zip"] is not None:
        prefix = row["patient_zip"][:3]
        row["patient_zip"] = prefix if prefix in ALLOWED else "000"
    if row["prescriber_dea"] is not None:
        row["prescriber_dea"] = "[redacted]"
    del row["sig_text"], row["_timestamp"]
    return row


def masked_types(schema: pa.Schema) -> pa.Schema:
    """Returns the schema of masked rows."""
    texts = {"patient_dob": pa.string()}
    fields = [
        pa.field(f.name, texts.get(f.name, _plain(f.type))) for f in schema if f.name != "sig_text"
    ]
    added = {"_warnings": pa.string(), **TYPES}
    return pa.schema([*fields, *(pa.field(name, kind) for name, kind in added.items())])


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


# What one would do in the usual way, too: ids come again and again.
@lru_cache(maxsize=100_000)
def _code(text: str) -> str:
    return hmac.digest(_KEY, text.strip().upper().encode(), "sha256")[:16].hex()
