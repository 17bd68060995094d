"""A rule, and a set of rules: data, not code."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from transforms.references.spec import ReferenceSpec, ReferenceSpecs

#: Starts with a capital, so that an id is never one of the pipeline's own reasons, which are in
#: lower case; holds no comma, which separates the ids in ``_warnings``.
_ID: Final = re.compile(r"[A-Z][A-Za-z0-9]*([._-][A-Za-z0-9]+)*")
#: So begin the ids of rules that follow from the warehouse's columns, and no others.
RESERVED: Final = "DDL."

_Text = Annotated[StrictStr, Field(min_length=1)]


class Severity(StrEnum):
    """What happens to a message that trips a rule."""

    ERROR = "error"  # it becomes a dead letter
    WARN = "warn"  # it passes, with the rule's id in ``_warnings``
    ALERT = "alert"  # it passes, and is counted


class Rule(BaseModel):
    """One rule over the rows of a dataset.

    Attributes:
        id: Names it, for good: in commits, metrics, dead letters and ``_warnings``.
        version: Raised with each change of its meaning.
        dataset: Whose rows it looks at.
        severity: What happens to a message that trips it.
        field: The field at fault, for dead letters and reports.
        expect: SQL expression that must hold. Null counts as holding: a CHECK constraint of SQL
            (ISO/IEC 9075-2) is satisfied if its condition is not false.
        check: Instead of ``expect``: a named check and the column, or columns, that it takes.
        message: What is wrong with a row that trips it, for people.
        owner: Who answers for it.
        since: First broker date (UTC) on which it counts; ``from`` in a file.
        until: First broker date (UTC) on which it doesn't count any more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictStr
    version: Annotated[StrictInt, Field(ge=1)]
    dataset: _Text
    severity: Severity
    field: _Text
    expect: _Text | None = None
    check: Mapping[str, str | tuple[str, ...]] | None = None
    message: _Text
    owner: _Text
    since: Annotated[date | None, Field(alias="from")] = None
    until: date | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Rule":
        if not _ID.fullmatch(self.id):
            raise ValueError(f"id must be like R04 or R04.deactivated, got {self.id!r}")
        if self.id.startswith(RESERVED):
            raise ValueError(f"id must not begin with {RESERVED}, as those of columns' limits do")
        if (self.expect is None) == (self.check is None):
            raise ValueError("a rule must have either expect or check")
        if self.check is not None and len(self.check) != 1:
            raise ValueError("check must name one check")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("from must lie before until")
        return self

    @property
    def expression(self) -> str:
        """The expression that must hold, whichever way it was given."""
        if self.expect is not None:
            return self.expect
        assert self.check is not None
        ((name, columns),) = self.check.items()
        return f"{name}({columns if isinstance(columns, str) else ', '.join(columns)})"

    def bounded(self, sql: str) -> str:
        """Returns an expression that is true outside of the rule's dates, and ``sql`` within."""
        bounds = []
        if self.since:
            bounds.append(f"_timestamp < TIMESTAMPTZ '{self.since} 00:00:00+00'")
        if self.until:
            bounds.append(f"_timestamp >= TIMESTAMPTZ '{self.until} 00:00:00+00'")
        return f"CASE WHEN {' OR '.join(bounds)} THEN true ELSE {sql} END" if bounds else sql

    def overlaps(self, other: "Rule") -> bool:
        """Tells whether both count on some date."""
        starts = max(self.since or date.min, other.since or date.min)
        ends = min(self.until or date.max, other.until or date.max)
        return starts < ends

    def canonical(self) -> dict[str, Any]:
        """Returns what decides on verdicts and what people are told of them, as plain values."""
        return {**self.model_dump(mode="json", exclude={"check"}), "expect": self.expression}


class RuleSet(BaseModel):
    """Rules with the references that they may name.

    Attributes:
        rules: In the order of dataset, id and version.
        references: By the name that rules call them by.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = ()
    references: ReferenceSpecs = {}

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that have rules."""
        return tuple(sorted({rule.dataset for rule in self.rules}))

    def of(self, dataset: str) -> tuple[Rule, ...]:
        """Returns the rules of a dataset, by id and version."""
        mine = (rule for rule in self.rules if rule.dataset == dataset)
        return tuple(sorted(mine, key=lambda rule: (rule.id, rule.version)))

    def references_of(self, dataset: str) -> dict[str, ReferenceSpec]:
        """Returns the references that rules of a dataset may name."""
        return {name: spec for name, spec in self.references.items() if dataset in spec.lookup}

    def version(self, dataset: str) -> str:
        """Returns a hash over all that the file says of a dataset: same hash, same verdicts.

        That is for equal references, which have a version of their own.
        """
        looked_up = {
            name: spec.canonical(name, dataset)
            for name, spec in self.references_of(dataset).items()
        }
        body = {"rules": [rule.canonical() for rule in self.of(dataset)], "references": looked_up}
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def overlapping(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Yields the numbers of pairs of rules that have one id in one dataset on the same date."""
    seen: dict[tuple[str, str], list[int]] = {}
    for number, rule in enumerate(rules):
        others = seen.setdefault((rule.dataset, rule.id), [])
        yield from ((other, number) for other in others if rules[other].overlaps(rule))
        others.append(number)
