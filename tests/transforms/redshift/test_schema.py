"""Which steps lead from a schema as it is to the one that is needed."""

import pyarrow as pa
import pytest

from transforms.errors import ConfigurationError
from transforms.redshift import LoadPlan, RawTable, Statements
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.schema import LOADER, pending, script

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
        "0000 schema_history",
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


def test_the_schema_comes_first():
    assert pending({}, plan(), HERE)[0].statements[0] == 'CREATE SCHEMA IF NOT EXISTS "wh"'


def test_the_warehouse_gets_its_name_with_its_lock():
    lock = pending({}, plan(), HERE, new_id=lambda: "an-id")[1]
    assert lock.statements[1:] == ('INSERT INTO "wh"."load_lock" VALUES (\'an-id\')',)


def test_nothing_is_done_twice():
    assert pending(catalog(), plan(), HERE) == []


def test_a_step_that_was_missed_is_made_up_for():
    there = catalog()
    del there["load_history"]
    assert [step.version for step in pending(there, plan(), HERE)] == ["0003 load_history"]


def test_a_new_field_becomes_a_column_at_the_end():
    (step,) = pending(catalog(), plan(pa.field("late", pa.date32())), HERE)
    assert step.statements == (
        'LOCK "wh"."load_lock"',
        'ALTER TABLE "wh"."raw_order" ADD COLUMN "late" DATE',
    )
    assert step.in_transaction


def test_a_longer_text_is_widened_outside_of_a_transaction():
    (step,) = pending(catalog(), plan(note=30), HERE)
    assert step.statements == ('ALTER TABLE "wh"."raw_order" ALTER COLUMN "note" TYPE VARCHAR(30)',)
    assert not step.in_transaction


def test_a_column_is_never_narrowed():
    assert pending(catalog(*plan().tables[0].columns), plan(note=10), HERE) == []


def test_a_column_that_rows_have_no_more_is_refused_with_the_migration_to_write():
    more = Column("old", ColumnType("DATE"))
    with pytest.raises(ConfigurationError, match="raw_order has a column old") as caught:
        pending(catalog(*plan().tables[0].columns, more), plan(), HERE)
    assert caught.value.remedy.endswith('ALTER TABLE "wh"."raw_order" DROP COLUMN "old"')


def test_a_column_of_ours_may_stay():
    more = Column("_warnings", ColumnType("VARCHAR", 1024))
    assert pending(catalog(*plan().tables[0].columns, more), plan(), HERE) == []


@pytest.mark.parametrize(
    ("has", "wanted", "to"),
    [
        (ColumnType("DATE"), pa.timestamp("us", "UTC"), "TIMESTAMP"),
        (ColumnType("DECIMAL", 9, 2), pa.decimal128(12, 2), "DECIMAL(12,2)"),
        (ColumnType("DECIMAL", 9, 2), pa.decimal128(9, 3), "DECIMAL(9,3)"),
        (ColumnType("INTEGER"), pa.int64(), "BIGINT"),
        (ColumnType("VARCHAR", 20), pa.int64(), "BIGINT"),
    ],
    ids=str,
)
def test_another_type_is_refused_with_the_migration_to_write(has, wanted, to):
    there = [*plan().tables[0].columns, Column("x", has)]
    with pytest.raises(ConfigurationError, match=r"raw_order\.x is .* should be") as caught:
        pending(catalog(*there), plan(pa.field("x", wanted)), HERE)
    assert caught.value.remedy.endswith(
        f'ALTER TABLE "wh"."raw_order" ADD COLUMN "x_new" {to}; '
        f'UPDATE "wh"."raw_order" SET "x_new" = CAST("x" AS {to}); '
        'ALTER TABLE "wh"."raw_order" DROP COLUMN "x"; '
        'ALTER TABLE "wh"."raw_order" RENAME COLUMN "x_new" TO "x"'
    )


class TestScript:
    RECORD = 'INSERT INTO "wh"."schema_history" (version, sql_sha256, applied_at)'

    def lines(self, step):
        return [line.partition(" VALUES")[0] for line in script(step, HERE)]

    def test_a_step_and_its_record_are_one_transaction(self):
        (step,) = pending(catalog(), plan(pa.field("late", pa.date32())), HERE)
        lock = 'LOCK "wh"."schema_history"'
        assert self.lines(step) == ["BEGIN", lock, *step.statements, self.RECORD, "COMMIT"]

    def test_what_runs_outside_of_one_is_recorded_before(self):
        (step,) = pending(catalog(), plan(note=30), HERE)
        assert self.lines(step) == [self.RECORD, *step.statements]

    def test_the_history_itself_is_not_recorded(self):
        step = pending({}, plan(), HERE)[0]
        assert script(step, HERE) == list(step.statements)


def test_a_table_that_is_named_twice_is_refused():
    with pytest.raises(ConfigurationError, match="the table raw_order is there twice"):
        LoadPlan(plan().tables * 2)
