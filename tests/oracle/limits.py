"""What the warehouse's columns can't take, value by value.

Sources: Amazon Redshift's guide: "Character types" (VARCHAR counts bytes), "Preparing your input
data" (NUL), "Datetime types" (4713 BC to 294276 AD), "SUPER type" (texts as VARCHAR's, 16 MB).
Times end with the last whole year that microseconds since 1970 hold, 294246.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from schemas.model import AvroSchema
from tests.oracle.moments import DAY_US

_DEFAULT: Final = 1024
_LONGEST: Final = 65_535
_SUPER: Final = 16 * 2**20
#: The first day of 4713 BC, and the last days of the years 294276 and 294246.
_FIRST_DAY: Final = -2_440_550
_LAST_DAY: Final = 106_762_939
_LAST_DAY_OF_TIMES: Final = 106_751_981


@cache
def packaged_lengths() -> Mapping[str, Mapping[str, int]]:
    """Bytes of texts by dataset and column, as the packaged configuration declares them."""
    text = files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text("utf-8")
    return {name: own.get("lengths", {}) for name, own in yaml.safe_load(text)["datasets"].items()}


def misfits(
    reader: AvroSchema,
    row: Mapping[str, Any],
    timestamp_ms: int,
    lengths: Mapping[str, int],
    *,
    years: bool,
) -> list[str]:
    """The columns of a masked row whose value doesn't fit, in the order of their names.

    Args:
        reader: The dataset's schema.
        row: The row; days and microseconds as numbers, or as Python's dates and times.
        timestamp_ms: The broker's time.
        lengths: Declared bytes by column.
        years: Dates of which only the year may be told are years.
    """
    kinds = dict(_kinds(reader, years))
    found = [name for name, value in row.items() if not _fits(name, value, kinds, lengths)]
    if not _time_fits(timestamp_ms * 1_000):
        found.append("_timestamp")
    return sorted(found)


def _fits(name: str, value: Any, kinds: Mapping[str, str], lengths: Mapping[str, int]) -> bool:
    if isinstance(value, str):
        return len(value.encode()) <= lengths.get(name, _DEFAULT) and "\0" not in value
    if isinstance(value, list):
        whole = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        longest = max((len(text.encode()) for text in value), default=0)
        return longest <= _LONGEST and len(whole.encode()) <= _SUPER
    if type(value) is int and kinds.get(name) == "date":
        return _FIRST_DAY <= value <= _LAST_DAY
    if type(value) is int and kinds.get(name) == "timestamp-micros":
        return _time_fits(value)
    return True


def _time_fits(micros: int) -> bool:
    return _FIRST_DAY * DAY_US <= micros < (_LAST_DAY_OF_TIMES + 1) * DAY_US


def _kinds(reader: AvroSchema, years: bool) -> Iterator[tuple[str, str]]:
    for field in reader.json["fields"]:
        if not (years and field["phi"].get("mask") == "year"):
            yield field["name"], _logical(field["type"])


def _logical(kind: Any) -> str:
    branches = kind if isinstance(kind, list) else [kind]
    return next((b["logicalType"] for b in branches if "logicalType" in b), "")
