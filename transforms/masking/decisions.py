"""From classes, policy and overrides to one action per column, or the reason why there is none."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from schemas.classification import CLASSES, Classification
from transforms.errors import ConfigurationError
from transforms.identifiers import Link
from transforms.masking.actions import Action, fits, is_date, is_list, tightens
from transforms.masking.policies import MustDecide, Ruling, ruling

#: Actions on a column of records, maps or unions: nothing looks inside.
_WHOLE: Final = (Action.KEEP, Action.REDACT, Action.DROP)
#: The event time places a row in the lake, so it must remain a point in time.
_TIMES: Final = (Action.KEEP, Action.DATE_SHIFT)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A dataset's columns.

    Attributes:
        classes: Path of each field -> class; None where it has none. Fields of a nested record are
            ``parent.child``.
        types: Column -> type, where it is known when the pipeline is built.
        patient: See ``DatasetMask``, as the two below.
        reference_time: Column of the event time.
        country: Column of the country.
        links: Column that is added -> its link.
    """

    classes: Mapping[str, Classification | None]
    types: Mapping[str, pa.DataType]
    patient: str | None = None
    reference_time: str | None = None
    country: str | None = None
    links: Mapping[str, Link] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the table, in order: nested fields are part of theirs."""
        return tuple(dict.fromkeys(path.partition(".")[0] for path in self.classes))

    def within(self, name: str) -> list[Classification | None]:
        """Returns the classes of a column: several where it is nested."""
        return [c for path, c in self.classes.items() if path.partition(".")[0] == name]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a column.

    Attributes:
        dataset: The dataset's name.
        column: The column's name.
        found: Its class; for a nested column the first one in it.
        action: What is done; None if that isn't decided.
        origin: ``policy`` or ``override``.
        problem: Why the pipeline can't be built, or empty text.
        remedy: What to do then.
    """

    dataset: str
    column: str
    found: Classification | None = None
    action: Action | None = None
    origin: str = "policy"
    problem: str = ""
    remedy: str = ""

    @property
    def name(self) -> str:
        """The column with its dataset, as overrides name it."""
        return f"{self.dataset}.{self.column}"

    def refused(self, what: str, remedy: str) -> "Decision":
        """Returns the decision as one that can't be built."""
        return replace(self, problem=what, remedy=remedy)


class Overrides:
    """``dataset.column`` -> action, from the configuration.

    Raises:
        ConfigurationError: There is no such action.
    """

    def __init__(self, actions: Mapping[str, Action | str]) -> None:
        self._actions = {name: _action(name, text) for name, text in actions.items()}

    def get(self, name: str) -> Action | None:
        """Returns the action that the configuration wants for a column."""
        return self._actions.get(name)

    def check(self, known: Collection[str]) -> None:
        """Refuses an override of a column that there isn't: its author believes it to be masked.

        Raises:
            ConfigurationError: Names the override and the likeliest right name.
        """
        for name in self._actions:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {close[0]}?" if close else "Write it as dataset.column"
                raise ConfigurationError(f"overrides name {name}, which is no column here", hint)


def decide(
    policy: str, dataset: str, columns: Columns, overrides: Overrides
) -> tuple[Decision, ...]:
    """Returns the decision on each column; those that can't be built say why."""
    decisions = []
    for name in columns.names:
        made = _made(policy, Decision(dataset=dataset, column=name), columns, overrides)
        decisions.append(made if made.problem else _checked(made, columns))
    return tuple(decisions)


def _made(policy: str, blank: Decision, columns: Columns, overrides: Overrides) -> Decision:
    classes = columns.within(blank.column)
    one = replace(blank, found=next((c for c in classes if c is not None), None))
    rulings = []
    for found in classes:
        if found is None:
            return one.refused(
                f"{one.name} has no class",
                'Classify it in the schema, such as "phi": {"class": "NONE"}, or, where it is '
                "derived, in the configuration",
            )
        ruled = ruling(policy, found)
        if ruled is None:
            return one.refused(
                f"{one.name} has the class {found.cls!r}, which no policy knows",
                f"Use one of {', '.join(CLASSES)}",
            )
        rulings.append(ruled)
    wanted = overrides.get(one.name)
    return _default(policy, one, rulings) if wanted is None else _tightened(one, rulings, wanted)


def _default(policy: str, one: Decision, rulings: Sequence[Ruling]) -> Decision:
    first = rulings[0]
    if isinstance(first, MustDecide) or any(isinstance(each, MustDecide) for each in rulings):
        return one.refused(
            f"{one.name} is free text, and the policy {policy} has no default for what may hold "
            "anything",
            f"Decide it, such as {one.name}: drop",
        )
    if any(each != first for each in rulings) or (len(rulings) > 1 and first not in _WHOLE):
        return one.refused(
            f"{one.name} is nested, and the policy {policy} masks parts of it, which no mask can",
            f"Decide on the whole in overrides, such as {one.name}: drop",
        )
    return replace(one, action=first)


def _tightened(one: Decision, rulings: Sequence[Ruling], wanted: Action) -> Decision:
    for each in rulings:
        least = each.least if isinstance(each, MustDecide) else each
        if not tightens(wanted, least):
            return one.refused(
                f"the override of {one.name} is {wanted}, and the policy's {least} tells less",
                "Overrides can only tighten: remove it, or choose a stricter action",
            )
    return replace(one, action=wanted, origin="override")


def _checked(one: Decision, columns: Columns) -> Decision:
    """Refuses an action that the column's type or the dataset's other columns don't allow."""
    action, kind = one.action, columns.types.get(one.column)
    assert action is not None
    nested = len(columns.within(one.column)) > 1
    if (nested and action not in _WHOLE) or (kind is not None and not fits(action, kind)):
        return one.refused(
            f"{action} doesn't fit {one.name}, which is {kind or 'nested'}",
            "Override it with drop or redact, or correct its class",
        )
    if action is Action.DATE_SHIFT and columns.patient is None:
        return one.refused(
            f"date_shift of {one.name} needs the patient whose date it is",
            "Name the dataset's column in patient, or override it with year",
        )
    if needs_reference(action, kind) and columns.reference_time is None:
        return one.refused(
            f"age_band of {one.name} needs the day at which the age counts",
            "Name the dataset's event time in reference_time, or override it with drop",
        )
    if one.column == columns.reference_time and action not in _TIMES:
        return one.refused(
            f"{one.name} places the rows in the lake by their day, and {action} leaves none",
            "Keep it, or override it with date_shift",
        )
    return one


def needs_reference(action: Action, kind: pa.DataType | None) -> bool:
    """Tells whether an action needs the day of each row; where the type isn't known, it may."""
    return action is Action.AGE_BAND and (kind is None or is_date(kind) or is_list(kind))


def _action(name: str, text: Action | str) -> Action:
    try:
        return Action(text)
    except ValueError:
        raise ConfigurationError(
            f"the override of {name} is {text!r}, which is no action",
            f"Use one of {', '.join(Action)}",
        ) from None
