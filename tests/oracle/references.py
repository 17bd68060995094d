"""References as of a time: versions by key, and rows with what they look up."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from tests.oracle.identifiers import ndc11

#: 9999-12-31, in microseconds: no version is valid from then on.
_FOREVER_US: Final = 253_402_214_400_000_000

_LAST_MS: Final = (2**63 - 1) // 1_000

#: Reference -> its dataset, its key, and how the rows of datasets that look it up give the key.
_SPECS: Final[Mapping[str, tuple[str, str, Mapping[str, str]]]] = {
    "drug": ("drug_ref", "ndc11", {"dispense_event": "ndc", "inventory_movement": "ndc"}),
    "prescriber": ("prescriber_ref", "npi", {"dispense_event": "prescriber_npi"}),
    "pharmacy": (
        "pharmacy_ref",
        "pharmacy_ncpdp_id",
        {"dispense_event": "pharmacy_ncpdp_id", "inventory_movement": "pharmacy_ncpdp_id"},
    ),
}
REFERENCE_DATASETS: Final = frozenset(dataset for dataset, _, _ in _SPECS.values())


class Missing:
    """A reference that isn't there: each column of it is unknown."""

    def __getattr__(self, name: str) -> None:
        return None


_MISSING: Final = Missing()

#: A row whose columns are attributes, days and microseconds as numbers; references beside them.
Seen = Any


class References:
    """The rows of the reference datasets at one time.

    Args:
        rows: Per reference dataset its rows, as the lake holds them. A key's versions follow one
            another by ``effective_from``; where that is equal the later message replaces the other.
    """

    def __init__(self, rows: Mapping[str, Iterable[Mapping[str, Any]]] | None = None) -> None:
        given = rows or {}
        self._versions = {
            name: _by_key(given.get(dataset, ()), key) for name, (dataset, key, _) in _SPECS.items()
        }

    def seen(self, dataset: str, row: Mapping[str, Any], timestamp_ms: int) -> Seen:
        """A row with the references that its dataset looks up, as of its event time."""
        found = {
            name: self._valid(name, _key(name, row[lookup[dataset]]), row["event_time"])
            for name, (_, _, lookup) in _SPECS.items()
            if dataset in lookup
        }
        return SimpleNamespace(timestamp_us=_micros(timestamp_ms), **row, **found)

    def _valid(self, name: str, key: str | None, at: int) -> Any:
        starts, versions = self._versions[name].get(key, ((), ()))
        place = bisect_right(starts, at) - 1
        return versions[place] if place >= 0 and at < _FOREVER_US else _MISSING


def _micros(timestamp_ms: int) -> int:
    """The broker's time; the last one that 64 bits can tell in place of any beyond."""
    return max(-_LAST_MS, min(timestamp_ms, _LAST_MS)) * 1_000


def _key(name: str, value: str) -> str | None:
    return ndc11(value) if name == "drug" else value


def _by_key(
    rows: Iterable[Mapping[str, Any]], key: str
) -> dict[str | None, tuple[list[int], list[SimpleNamespace]]]:
    by_key: dict[str | None, dict[int, SimpleNamespace]] = {}
    for row in sorted(rows, key=lambda r: (r["_offset"], r["_row"], r["_partition"])):
        by_key.setdefault(row[key], {})[row["effective_from"]] = SimpleNamespace(**row)
    return {
        each: (sorted(versions), [versions[start] for start in sorted(versions)])
        for each, versions in by_key.items()
    }
