"""Functions on tables, and the accounting of every message."""

import pytest

from tests.transforms.segments import ROWS_SCHEMA, rows
from tests.transforms.tables import steps
from transforms.errors import ConfigurationError, RefusedError
from transforms.tables import DerivedColumns, TableFunction
from transforms.tables.mapping import apply_function, output_schema


def step(function, **columns):
    return TableFunction(dataset="events", function=function, version="1", columns=columns)


def test_a_function_may_change_and_add_columns():
    changed = apply_function(step(steps.upper), rows(range(3))).rows
    assert changed.column("text").to_pylist() == ["ROW 0", "ROW 1", "ROW 2"]
    added = apply_function(step(steps.with_length, length="NONE"), rows(range(3))).rows
    assert added.column("length").to_pylist() == [5, 5, 5]


def test_what_a_function_leaves_out_it_returns_with_a_reason():
    mapped = apply_function(step(steps.only_even), rows(range(5)))
    assert mapped.rows.column("_offset").to_pylist() == [0, 2, 4]
    assert mapped.filtered["odd"].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (steps.losing, "loses 2 of 5 messages and makes up 0"),
        (steps.making_up, "loses 5 of 5 messages and makes up 5"),
        (steps.twice, "returns a message twice"),
        (steps.without_lineage, "drops _row"),
        (steps.with_length, r"adds the column events\.length, which has no class"),
    ],
)
def test_a_function_that_breaks_the_accounting_is_refused(function, words):
    with pytest.raises(RefusedError, match=words) as caught:
        apply_function(step(function), rows(range(5)))
    assert f"steps.{function.__name__}" in str(caught.value)


def test_several_rows_of_a_message_are_numbered_and_in_order():
    made = apply_function(step(steps.doubled_backwards), rows(range(3))).rows
    assert made.column("_offset").to_pylist() == [0, 0, 1, 1, 2, 2]
    assert made.column("_row").to_pylist() == [0, 1, 0, 1, 0, 1]


def test_a_function_is_tried_on_an_empty_table_when_the_pipeline_is_built():
    assert output_schema(step(steps.with_length, length="NONE"), ROWS_SCHEMA).names[-1] == "length"
    with pytest.raises(ConfigurationError, match=r"fails on a table without rows \(IndexError"):
        output_schema(step(steps.broken, first="NONE"), ROWS_SCHEMA)
    with pytest.raises(ConfigurationError, match="has no class"):
        output_schema(step(steps.with_length), ROWS_SCHEMA)


def test_a_derived_column_without_a_class_is_refused():
    with pytest.raises(ConfigurationError, match=r"events\.b has no class"):
        DerivedColumns(dataset="events", expressions={"a": "1", "b": "2"}, classes={"a": "NONE"})


def test_the_version_of_a_step_changes_with_what_it_does():
    one = DerivedColumns(dataset="events", expressions={"a": "1"}, classes={"a": "NONE"})
    other = DerivedColumns(dataset="events", expressions={"a": "2"}, classes={"a": "NONE"})
    assert one.digest() != other.digest()
    newer = TableFunction(dataset="events", function=steps.upper, version="2")
    assert step(steps.upper).digest() != newer.digest()
