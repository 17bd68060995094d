"""The verdict of rules on a row: each rule of the packaged file, told a second time in Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.oracle.moments import UnjudgeableError
from tests.oracle.references import Seen
from tests.oracle.rules_dispense import DISPENSE
from tests.oracle.rules_inventory import INVENTORY
from tests.oracle.rules_patient import PATIENT

#: dataset -> rule id -> severity, the field at fault, and what must hold.
RULES: Final[Mapping[str, Mapping[str, tuple[str, str, Callable[[Seen], bool | None]]]]] = {
    "dispense_event": DISPENSE,
    "inventory_movement": INVENTORY,
    "patient_update": PATIENT,
}
#: In the order in which a dead letter names the first.
_ORDERED: Final = {dataset: sorted(rules.items()) for dataset, rules in RULES.items()}


@dataclass(frozen=True)
class Finding:
    """A rule that a message trips."""

    rule: str
    severity: str
    source_system: str


@dataclass(frozen=True)
class Judgment:
    """What the rules say of a row.

    Attributes:
        findings: All rules that it trips, or that can't judge it, by id.
        reason: The first rule, by id, that makes the message a dead letter, or empty text.
        field: That rule's field.
        warnings: The ids of the warning rules that it trips, by id.
    """

    findings: tuple[Finding, ...] = ()
    reason: str = ""
    field: str = ""
    warnings: tuple[str, ...] = ()


SOUND: Final = Judgment()


def judged(dataset: str, row: Seen, source_systems: frozenset[str]) -> Judgment:
    """Judges a row by the rules of its dataset.

    Args:
        dataset: The dataset; one without rules has only sound rows.
        row: The row, with what it looks up.
        source_systems: The values that findings may name; any other is ``other``.
    """
    tripped = [
        (rule, "error" if failed else severity, field)
        for rule, (severity, field, holds) in _ORDERED.get(dataset, ())
        for trips, failed in (_tried(holds, row),)
        if trips
    ]
    if not tripped:
        return SOUND
    named = row.source_system if row.source_system in source_systems else "other"
    reason, field = next(((r, f) for r, severity, f in tripped if severity == "error"), ("", ""))
    return Judgment(
        findings=tuple(Finding(rule, severity, named) for rule, severity, _ in tripped),
        reason=reason,
        field=field,
        warnings=tuple(rule for rule, severity, _ in tripped if severity == "warn"),
    )


def _tried(holds: Callable[[Seen], Any], row: Seen) -> tuple[bool, bool]:
    """Whether a rule trips (unknown holds), and whether that is because it can't judge the row."""
    try:
        return holds(row) is False, False
    except UnjudgeableError:
        return True, True
