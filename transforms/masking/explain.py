"""What a policy does with each field, shown on a synthetic row; and how two policies differ.

Unlike ``MaskConfig`` nothing is refused here: a field without a decision is told as such.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from transforms.masking.actions import Action, tightens
from transforms.masking.config import DatasetMask
from transforms.masking.decisions import Columns, Decision, Overrides, decide
from transforms.masking.examples import example_keys, example_link_keys, example_table
from transforms.masking.plan import DatasetPlan
from transforms.masking.policies import check_policy

#: What stands for an action where a column is added as a link.
LINK: Final = "link"


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What becomes of a field.

    Attributes:
        dataset: The dataset.
        field: The column.
        cls: Its class, empty if it has none.
        hint: The mask that the schema suggests, or empty text; of a link the entity.
        action: What is done; ``link`` for a column that is added; None if the pipeline can't be
            built like this.
        origin: ``policy``, ``override``, or ``configuration`` for links.
        type_before: Arrow type of the rows, empty where it isn't known.
        type_after: Arrow type in the lake, empty where the column is dropped.
        before: A synthetic value; of a link those of the columns that it is of.
        after: The same, masked with a public example key; None where it is dropped.
        problem: Why it can't be built, and what to do; or empty text.
    """

    dataset: str
    field: str
    cls: str
    hint: str
    action: str | None
    origin: str
    type_before: str
    type_after: str
    before: Any
    after: Any
    problem: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that two policies treat differently.

    Attributes:
        dataset: The dataset.
        field: The column.
        cls: Its class.
        left: The first policy's action; None where the configuration must decide.
        right: The second policy's.
        change: ``tighter``, ``looser`` or ``other``: how the second compares to the first.
    """

    dataset: str
    field: str
    cls: str
    left: str | None
    right: str | None
    change: str


def explain(
    policy: str,
    datasets: Mapping[str, DatasetMask],
    overrides: Mapping[str, Action | str] | None = None,
) -> list[Explained]:
    """Returns what becomes of each field of some datasets, in the schemas' order, and their links.

    Raises:
        ConfigurationError: There is no such policy, action or column.
    """
    rows = []
    for dataset, decisions in _decided(policy, datasets, overrides).items():
        rows += _explained(policy, dataset, datasets[dataset].columns(), decisions)
    return rows


def diff(
    left: str,
    right: str,
    datasets: Mapping[str, DatasetMask],
    overrides: Mapping[str, Action | str] | None = None,
) -> list[Difference]:
    """Returns the fields that two policies treat differently, in the schemas' order.

    Raises:
        ConfigurationError: There is no such policy, action or column.
    """
    first, second = (_decided(policy, datasets, overrides) for policy in (left, right))
    pairs = [
        pair for dataset in datasets for pair in zip(first[dataset], second[dataset], strict=True)
    ]
    return [_difference(a, b) for a, b in pairs if a.action != b.action]


def kept_times(rows: Sequence[Explained], datasets: Mapping[str, DatasetMask]) -> list[str]:
    """Names the event times that stay beside shifted dates: together they tell the shift."""
    shifted = {row.dataset for row in rows if row.action == Action.DATE_SHIFT}
    return [
        f"{row.dataset}.{row.field}"
        for row in rows
        if row.dataset in shifted
        and row.field == datasets[row.dataset].reference_time
        and row.action == Action.KEEP
    ]


def _decided(
    policy: str,
    datasets: Mapping[str, DatasetMask],
    overrides: Mapping[str, Action | str] | None,
) -> dict[str, tuple[Decision, ...]]:
    check_policy(policy)
    wanted = Overrides(overrides or {})
    made = {name: decide(policy, name, d.columns(), wanted) for name, d in datasets.items()}
    wanted.check([one.name for decisions in made.values() for one in decisions])
    return made


def _difference(left: Decision, right: Decision) -> Difference:
    a, b = left.action, right.action
    change = "other"
    if a is not None and b is not None and tightens(b, a):
        change = "tighter"
    elif a is not None and b is not None and tightens(a, b):
        change = "looser"
    return Difference(
        dataset=left.dataset,
        field=left.column,
        cls=left.found.cls if left.found else "",
        left=_allowed(left),
        right=_allowed(right),
        change=change,
    )


def _allowed(one: Decision) -> str | None:
    return None if one.problem or one.action is None else one.action.value


def _explained(
    policy: str, dataset: str, columns: Columns, decisions: Sequence[Decision]
) -> list[Explained]:
    before = example_table(columns)
    # What isn't decided has no example: dropped here, it can't fail.
    sure = [replace(one, action=Action.DROP) if one.problem else one for one in decisions]
    keys = example_keys(policy)
    after = DatasetPlan(dataset, sure, columns, keys, example_link_keys()).mask(before)
    fields = [_row(one, columns, before, after) for one in decisions]
    return [*fields, *(_link_row(dataset, name, columns, before, after) for name in columns.links)]


def _row(one: Decision, columns: Columns, before: pa.Table, after: pa.Table) -> Explained:
    held = one.column in after.column_names
    return Explained(
        dataset=one.dataset,
        field=one.column,
        cls=one.found.cls if one.found else "",
        hint=(one.found.mask or "") if one.found else "",
        action=_allowed(one),
        origin=one.origin,
        type_before=str(columns.types.get(one.column, "")),
        type_after=str(after.schema.field(one.column).type) if held else "",
        before=before.column(one.column)[0].as_py(),
        after=after.column(one.column)[0].as_py() if held else None,
        problem=f"{one.problem}. {one.remedy}" if one.problem else "",
    )


def _link_row(
    dataset: str, name: str, columns: Columns, before: pa.Table, after: pa.Table
) -> Explained:
    link = columns.links[name]
    return Explained(
        dataset=dataset,
        field=name,
        cls="",
        hint=link.entity,
        action=LINK,
        origin="configuration",
        type_before="",
        type_after=str(after.schema.field(name).type),
        before=[before.column(part)[0].as_py() for part in link.of],
        after=after.column(name)[0].as_py(),
        problem="",
    )
