"""Which steps lead from a schema as it is to the one that is needed."""

import pyarrow as pa
import pytest

from transforms.errors import ConfigurationError
from transforms.redshift import LoadPlan, RawTable, Statements
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.schema import LOADER, pending

HERE = Statements("wh")
SCHEMA = pa.schema([pa.field("_offset", pa.int64()), pa.field("note", pa.string())])


def plan(*more: pa.Field, note: int = 20) -> LoadPlan:
    schema = pa.schema([*SCHEMA, *more])
    return LoadPlan(
        (RawTable(dataset="order", topics=("orders.v1",), schema=schema, lengths={"note": note}),)
    )


def catalog(*columns: Column) -> dict[str, list[Column]]:
    tables: dict[str, list[Column]] = {name: [] for _, name, _ in LOADER}
    tables["raw_order"] = list(columns or plan().tables[0].columns)
    return tables


def test_an_empty_database_gets_everything():
    steps = pending({}, plan(), HERE)
    assert [step.version for step in steps] == [
        "0001 load_lock",
        "0002 load_fences",
        "0003 load_history",
        "0004 load_rejects",
        "0005 load_definitions",
        "raw_order created",
    ]
    assert steps[-1].statements == (
        'CREATE TABLE "wh"."raw_order" (_load_id BIGINT NOT NULL, "_offset" BIGINT, '
        '"note" VARCHAR(20)) DISTSTYLE EVEN SORTKEY (_load_id)',
    )


def test_nothing_is_done_twice():
    assert pending(catalog(), plan(), HERE) == []


def test_a_step_that_was_missed_is_made_up_for():
    there = catalog()
    del there["load_history"]
    assert [step.version for step in pending(there, plan(), HERE)] == ["0003 load_history"]


def test_a_new_field_becomes_a_column_at_the_end():
    (step,) = pending(catalog(), plan(pa.field("late", pa.date32())), HERE)
    assert step.statements == ('ALTER TABLE "wh"."raw_order" ADD COLUMN "late" DATE',)
    assert step.in_transaction


def test_a_longer_text_is_widened_outside_of_a_transaction():
    (step,) = pending(catalog(), plan(note=30), HERE)
    assert step.statements == ('ALTER TABLE "wh"."raw_order" ALTER COLUMN "note" TYPE VARCHAR(30)',)
    assert not step.in_transaction


def test_a_column_is_never_narrowed_or_dropped():
    more = Column("old", ColumnType("DATE"))
    assert pending(catalog(*plan().tables[0].columns, more), plan(note=10), HERE) == []


def test_another_type_is_refused_with_the_migration_to_write():
    there = [Column("_load_id", ColumnType("BIGINT")), Column("_offset", ColumnType("DATE"))]
    with pytest.raises(ConfigurationError, match=r"raw_order\._offset is DATE") as caught:
        pending(catalog(*there), plan(), HERE)
    assert "Write a migration" in caught.value.remedy


def test_a_table_that_is_named_twice_is_refused():
    with pytest.raises(ConfigurationError, match="the table raw_order is there twice"):
        LoadPlan(plan().tables * 2)
