"""References as of a time: versions by key, and rows with what they look up."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from tests.oracle.identifiers import ndc11

#: 9999-12-31, in microseconds: no version is valid from then on.
_FOREVER_US: Final = 253_402_214_400_000_000

_LAST_MS: Final = (2**63 - 1) // 1_000


@dataclass(frozen=True, kw_only=True)
class _Spec:
    """A reference.

    Attributes:
        dataset: Its dataset.
        key: Its key.
        lookup: Dataset -> the column that its rows are looked up by.
        effective: From when on a version is valid.
        ops: The only operations that make versions; any, where there are none.
    """

    dataset: str
    key: str
    lookup: Mapping[str, str]
    effective: str = "effective_from"
    ops: tuple[str, ...] = ()


_SPECS: Final[Mapping[str, _Spec]] = {
    "drug": _Spec(
        dataset="drug_ref",
        key="ndc11",
        lookup={"dispense_event": "ndc", "inventory_movement": "ndc"},
    ),
    "prescriber": _Spec(
        dataset="prescriber_ref", key="npi", lookup={"dispense_event": "prescriber_npi"}
    ),
    "pharmacy": _Spec(
        dataset="pharmacy_ref",
        key="pharmacy_ncpdp_id",
        lookup={"dispense_event": "pharmacy_ncpdp_id", "inventory_movement": "pharmacy_ncpdp_id"},
    ),
    "patient": _Spec(
        dataset="patient_update",
        key="patient_link",
        lookup={"dispense_event": "patient_id"},
        effective="effective_at",
        ops=("DECEASED", "REINSTATE"),
    ),
}
REFERENCE_DATASETS: Final = frozenset(spec.dataset for spec in _SPECS.values())


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
            another by the time from when on they are valid; where that is equal the later message
            replaces the other.
        patient_link: The link of a patient.
    """

    def __init__(
        self,
        rows: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        patient_link: Callable[[str], int | None] = lambda patient: None,
    ) -> None:
        given = rows or {}
        self._keys: Mapping[str, Callable[[str], Any]] = {"drug": ndc11, "patient": patient_link}
        self._versions = {
            name: _by_key(given.get(spec.dataset, ()), spec) for name, spec in _SPECS.items()
        }

    def seen(self, dataset: str, row: Mapping[str, Any], timestamp_ms: int) -> Seen:
        """A row with the references that its dataset looks up, as of its event time."""
        found = {
            name: self._valid(name, row[spec.lookup[dataset]], row["event_time"])
            for name, spec in _SPECS.items()
            if dataset in spec.lookup
        }
        return SimpleNamespace(timestamp_us=_micros(timestamp_ms), **row, **found)

    def _valid(self, name: str, value: str, at: int) -> Any:
        key = self._keys[name](value) if name in self._keys else value
        starts, versions = self._versions[name].get(key, ((), ()))
        place = bisect_right(starts, at) - 1
        return versions[place] if place >= 0 and at < _FOREVER_US else _MISSING


def _micros(timestamp_ms: int) -> int:
    """The broker's time; the last one that 64 bits can tell in place of any beyond."""
    return max(-_LAST_MS, min(timestamp_ms, _LAST_MS)) * 1_000


def _by_key(
    rows: Iterable[Mapping[str, Any]], spec: _Spec
) -> dict[Any, tuple[list[int], list[SimpleNamespace]]]:
    by_key: dict[Any, dict[int, SimpleNamespace]] = {}
    counting = (row for row in rows if not spec.ops or row["op"] in spec.ops)
    for row in sorted(counting, key=lambda r: (r["_offset"], r["_row"], r["_partition"])):
        if row[spec.key] is not None:
            by_key.setdefault(row[spec.key], {})[row[spec.effective]] = SimpleNamespace(**row)
    return {
        each: (sorted(versions), [versions[start] for start in sorted(versions)])
        for each, versions in by_key.items()
    }
