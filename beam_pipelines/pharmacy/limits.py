"""The limits that the warehouse's columns set, and whether the declared lengths have room."""

from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.masking import MaskConfig
from transforms.masking.sizes import longest_text
from transforms.quality import WARNINGS, LimitRule, RuleSet, Severity
from transforms.redshift.layout import Column, loadable_columns

_ROOM: Final = "Declare more, or leave it out: 1,024 bytes are the default"


def limit_rules(dataset: str, columns: tuple[Column, ...]) -> Iterator[LimitRule]:
    """Yields the rules that follow from a table's columns.

    Args:
        dataset: The dataset whose rows the table holds.
        columns: Of its table, as far as they hold what the lake holds.
    """
    for column in columns:
        if column.type.limits:
            yield LimitRule(
                dataset=dataset,
                field=column.name,
                type=column.type.sql,
                limits=column.type.limits,
            )


def stored_columns(
    dataset: str,
    *,
    mapped: pa.Schema,
    stored: pa.Schema,
    lengths: Mapping[str, int],
    masks: MaskConfig,
    rules: RuleSet,
) -> tuple[Column, ...]:
    """Returns the columns of a dataset's table, those left out that Redshift has no type for.

    Args:
        dataset: The dataset.
        mapped: Its rows before the masks.
        stored: Its rows as the lake holds them.
        lengths: The declared bytes of its texts.
        masks: What is done to it.
        rules: What its rows are judged by.

    Raises:
        ConfigurationError: A length names no column, or has no room for what we write ourselves.
    """
    for name in lengths:
        if name not in mapped.names:
            raise ConfigurationError(
                f"datasets.{dataset}.lengths names {name}, which is no column of it",
                "Correct the name, or take it out",
            )
    columns = loadable_columns(stored, lengths)
    needed = _needed(dataset, masks, rules)
    for column in columns:
        most = needed.get(column.name, 0)
        if column.type.kind == "VARCHAR" and most > (column.type.length or 0):
            raise ConfigurationError(
                f"datasets.{dataset}.lengths gives {column.name} {column.type.length} bytes, and "
                f"what is written there may take {most}",
                _ROOM,
            )
    return columns


def _needed(dataset: str, masks: MaskConfig, rules: RuleSet) -> dict[str, int]:
    """Returns by column the bytes of the texts that masks and rules may write to it."""
    warnings = {rule.id for rule in rules.of(dataset) if rule.severity is Severity.WARN}
    made = {
        one.column: longest_text(one.action, masks.key_version)
        for one in masks.decisions(dataset)
        if one.action is not None
    }
    return {**made, WARNINGS: len(",".join(warnings))}
