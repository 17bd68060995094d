"""What the lake holds of a table, and whether the rows are such as the plan was made for."""

from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa

from transforms.errors import RefusedError
from transforms.masking.actions import Action, fits, masked_type
from transforms.masking.config import MaskConfig
from transforms.masking.decisions import Columns, Decision, needs_reference
from transforms.masking.linking import link_fields

#: Columns of every table that hold no datum of a message's content: they pass as they are.
PASSING: Final = frozenset(
    {
        "_topic",
        "_topic_id",
        "_partition",
        "_offset",
        "_row",
        "_timestamp",
        "_schema_id",
        "_warnings",
    }
)


def masked_schema(schema: pa.Schema, config: MaskConfig, dataset: str) -> pa.Schema:
    """Returns what the lake holds of a table: masked columns are nullable, dropped ones are gone.

    Links come last.

    Args:
        schema: The table as it comes to ``MaskFields``: lineage, ``_warnings``, the dataset's
            columns, derived ones.
        config: The run's masks.
        dataset: One of its datasets.

    Raises:
        RefusedError: A column has no class, or is of a type that its action or link doesn't fit.
    """
    decisions = {one.column: one for one in config.decisions(dataset)}
    return masked_layout(schema, dataset, decisions, config.datasets[dataset].columns())


def masked_layout(
    schema: pa.Schema, dataset: str, decisions: Mapping[str, Decision], columns: Columns
) -> pa.Schema:
    """Does as ``masked_schema``, for decisions that are made already."""
    _check_roles(schema, dataset, decisions, columns)
    return pa.schema([*_fields(schema, dataset, decisions), *link_fields(columns.links, schema)])


def _fields(
    schema: pa.Schema, dataset: str, decisions: Mapping[str, Decision]
) -> Iterator[pa.Field]:
    for field in schema:
        if field.name in PASSING:
            yield field
            continue
        action = _action(field.name, dataset, decisions)
        if not fits(action, field.type):
            raise RefusedError(
                f"{action} doesn't fit the column {dataset}.{field.name}, which is {field.type}",
                "Correct its class, or override it with drop or redact",
            )
        if action is Action.KEEP:
            yield field
        elif action is not Action.DROP:
            yield pa.field(field.name, masked_type(action, field.type))


def _action(name: str, dataset: str, decisions: Mapping[str, Decision]) -> Action:
    one = decisions.get(name)
    if one is None or one.action is None:
        raise RefusedError(
            f"the column {dataset}.{name} has no class, so no policy can say what to do with it",
            "Classify it in the schema, or in the configuration if it is derived",
        )
    return one.action


def _check_roles(
    schema: pa.Schema, dataset: str, decisions: Mapping[str, Decision], columns: Columns
) -> None:
    """Checks on the rows what could not be known when the pipeline was built."""
    needed: dict[str, str | None] = {}
    for field in schema:
        action = decisions[field.name].action if field.name in decisions else None
        if action is Action.DATE_SHIFT:
            needed["patient"] = columns.patient
        if action is Action.AGE_BAND and needs_reference(action, field.type):
            needed["reference_time"] = columns.reference_time
        if action is Action.ZIP3 and columns.country:
            needed["country"] = columns.country
    for role, name in needed.items():
        if name is None or name not in schema.names:
            raise RefusedError(
                f"the masks of {dataset} need its {role}, and the rows have no such column",
                f"Correct {role} in the configuration, or don't drop the column before the masks",
            )
