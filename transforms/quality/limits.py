"""Rules that follow from the warehouse's columns: what a column can't take is a dead letter.

The plain function behind ``EnforceLimits``. It looks at rows as the lake will hold them, after the
masks: what a mask drops or replaces needs no room, and each text that is stored, derived or not, is
measured as it is stored. A dead letter holds the message as it came all the same: that is taken
from the segment's messages.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from transforms.limits import Limit
from transforms.quality.offenses import Flags, Offenses, allowed, with_offenses
from transforms.quality.rules import RESERVED, Severity
from transforms.segment import Segment, column_values


@dataclass(frozen=True, kw_only=True)
class LimitRule:
    """What the table of a dataset demands of one column.

    Attributes:
        dataset: The dataset.
        field: The column's name.
        type: The column's type as the table declares it, such as ``VARCHAR(64)``.
        limits: What values must keep to.
    """

    dataset: str
    field: str
    type: str
    limits: tuple[Limit, ...]

    @property
    def id(self) -> str:
        """Names it, for good."""
        return f"{RESERVED}{self.dataset}.{self.field}"

    @property
    def severity(self) -> Severity:
        """What happens to a message that breaks it."""
        return Severity.ERROR

    @property
    def expected(self) -> str:
        """What a value must be, for people."""
        return ", ".join(limit.words for limit in self.limits)

    @property
    def message(self) -> str:
        """What is wrong with a row that breaks it, and what to do, for people."""
        longer = f", or declare more in datasets.{self.dataset}.lengths and migrate"
        return (
            f"{self.field} doesn't fit {self.type} of the warehouse: {self.expected}. "
            f"Correct it at its source{longer if '(' in self.type else ''}"
        )

    def broken(self, table: pa.Table) -> Flags | None:
        """Returns per row whether its value breaks a limit; None if none does."""
        column = table.column(self.field)
        found = [flags for limit in self.limits if (flags := limit.broken(column)) is not None]
        return np.logical_or.reduce(found) if found else None


class LimitPlan:
    """The rules of all datasets.

    Args:
        rules: All rules.
        source_systems: Per dataset the values of ``source_system`` that findings may name.
    """

    def __init__(
        self, rules: Sequence[LimitRule], source_systems: Mapping[str, Sequence[str]]
    ) -> None:
        self._source_systems = source_systems
        self._rules: dict[str, list[LimitRule]] = {}
        for rule in sorted(rules, key=lambda rule: rule.id):
            self._rules.setdefault(rule.dataset, []).append(rule)
        self._versions = {name: _digest(listed) for name, listed in self._rules.items()}

    def offenses(self, dataset: str, table: pa.Table) -> Offenses | None:
        """Returns the rows of a dataset that break a limit; None if none does."""
        found = [
            (rule, flags)
            for rule in self._rules.get(dataset, ())
            if rule.field in table.column_names and (flags := rule.broken(table)) is not None
        ]
        if not found:
            return None
        flags = np.column_stack([flags for _, flags in found])
        rows = np.flatnonzero(flags.any(axis=1))
        systems = pa.array(self._source_systems.get(dataset, ()), pa.string())
        return Offenses(
            rules=[rule for rule, _ in found],
            rows=rows,
            offsets=column_values(table, "_offset")[rows],
            sources=allowed(table.take(pa.array(rows)), systems),
            trips=flags[rows],
            fails=np.zeros((len(rows), len(found)), dtype=bool),
        )

    def versions(self, dataset: str) -> dict[str, str]:
        """Returns what verdicts on a dataset depend on, for the segment."""
        found = self._versions.get(dataset)
        return {} if found is None else {f"limits.{dataset}": found}


def enforce_limits(segment: Segment, plan: LimitPlan) -> Segment:
    """Makes dead letters of the messages with a value that the warehouse can't take.

    Args:
        segment: With rows as the lake will hold them.
        plan: The rules.

    Returns:
        The segment with findings and dead letters. The verdict on a message depends on it alone
        and on the versions of rules, references and masks.
    """
    judged: dict[str, Offenses] = {}
    versions = dict(segment.versions)
    for dataset, table in segment.rows.items():
        versions |= plan.versions(dataset)
        offenses = plan.offenses(dataset, table)
        if offenses is not None:
            judged[dataset] = offenses
    done = replace(segment, versions=versions)
    return with_offenses(done, segment.rows, judged) if judged else done


def _digest(rules: Sequence[LimitRule]) -> str:
    text = "\n".join(f"{rule.field} {rule.type} {rule.expected}" for rule in rules)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
