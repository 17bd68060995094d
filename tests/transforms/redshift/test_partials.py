"""Tables of partials: their columns and view, and a commit's partials as their rows."""

from dataclasses import replace

import pyarrow as pa
import pytest

from tests.fakes.lake import DATASET, FakeLake
from tests.partials import ORDERS, changed, noted, partials_table, raw_table, write
from transforms.errors import ConfigurationError
from transforms.lake import read_small_tables
from transforms.redshift import LoadPlan, Statements
from transforms.redshift.schema import LOADER, pending
from transforms.windows import Measure

HERE = Statements("wh")
PLAIN = changed(dimensions=["note"], measures={"revenue": {"sum": "price"}})


def names(table) -> list[str]:
    return [column.name for column in table.columns]


class TestTable:
    def test_its_text_is_the_one_that_was_agreed_on(self):
        assert partials_table(PLAIN).create(HERE) == (
            'CREATE TABLE "wh"."agg_orders" ("_load_id" BIGINT ENCODE AZ64, "_commit_topic" '
            'VARCHAR(249) ENCODE ZSTD, "_commit_topic_id" VARCHAR(36) ENCODE ZSTD, '
            '"_commit_partition" INTEGER ENCODE AZ64, "_commit_seq" BIGINT ENCODE AZ64, '
            '"_definition" VARCHAR(16) ENCODE ZSTD, "window_start" TIMESTAMP ENCODE RAW, '
            '"window_end" TIMESTAMP ENCODE AZ64, "note" VARCHAR(20) ENCODE ZSTD, "rows" BIGINT '
            'ENCODE AZ64, "faults" BIGINT ENCODE AZ64, "revenue" DECIMAL(38,2) ENCODE AZ64) '
            "DISTSTYLE EVEN SORTKEY (window_start)"
        )

    def test_sketches_have_no_columns(self):
        assert not {"each", "place"} & set(names(partials_table()))
        assert {"orders", "revenue", "all_even"} <= set(names(partials_table()))

    def test_a_dimension_may_be_part_of_the_lineage(self):
        assert "_partition" in names(partials_table())

    def test_one_that_has_the_name_of_our_own_column_is_refused(self):
        raw = raw_table()
        with_clash = raw.schema.append(pa.field("_commit_seq", pa.int64()))
        with pytest.raises(ConfigurationError, match="has a column _commit_seq"):
            partials_table(changed(dimensions=["_commit_seq"]), replace(raw, schema=with_clash))

    def test_a_column_that_redshift_has_no_type_for_is_refused(self):
        timed = {"first": Measure(min="CAST(event_time AS TIME)")}
        with pytest.raises(ConfigurationError, match="the column first is time64"):
            _ = partials_table(changed(measures=timed)).columns


class TestView:
    def test_its_text_is_the_one_that_was_agreed_on(self):
        assert partials_table(PLAIN).view() == (
            'SELECT "window_start", "window_end", "note", CAST(SUM("rows") AS BIGINT) AS "rows", '
            'CAST(SUM("faults") AS BIGINT) AS "faults", CAST(SUM("revenue") AS DECIMAL(38,2)) AS '
            f'"revenue" FROM {{schema}}."agg_orders" WHERE "_definition" = \'{PLAIN.digest}\' '
            'GROUP BY "window_start", "window_end", "note"'
        )

    def test_each_kind_is_merged_in_its_way(self):
        view = partials_table().view()
        assert 'MIN("first") AS "first", MAX("last") AS "last"' in view
        assert 'BOOL_AND("all_even") AS "all_even", BOOL_OR("any_even") AS "any_even"' in view


class TestRows:
    @pytest.fixture
    def commit(self):
        lake = FakeLake()
        write(lake, noted(0, 10))
        commit = lake.commit(1)
        return commit, read_small_tables(lake.store, commit)["partials.orders"]

    def test_each_has_its_commit_and_definition(self, commit):
        rows = partials_table().rows_of(*commit).to_pylist()
        assert len(rows) == commit[1].num_rows > 3
        place = ("_commit_topic", "_commit_topic_id", "_commit_partition", "_commit_seq")
        known = commit[0]
        assert {tuple(row[name] for name in place) for row in rows} == {
            (known.topic, known.topic_id, known.partition, known.seq)
        }
        assert {row["_definition"] for row in rows} == {ORDERS.digest}
        assert sum(row["orders"] for row in rows) == 10

    def test_columns_go_by_name_and_one_that_is_missing_is_null(self, commit):
        wider = changed(measures={"dearest": Measure(max="price"), **ORDERS.measures})
        rows = partials_table(wider).rows_of(*commit)
        assert rows.column("dearest").null_count == rows.num_rows
        assert rows.column("orders").to_pylist() == commit[1].column("orders").to_pylist()
        assert set(rows.column("_definition").to_pylist()) == {ORDERS.digest}

    def test_one_that_the_present_definition_has_not_got_is_left_out(self, commit):
        fewer = changed(dimensions=["_partition"], measures={"orders": {"count": ""}})
        assert "note" not in partials_table(fewer).rows_of(*commit).column_names

    def test_another_type_is_refused(self, commit):
        other = changed(measures={"orders": {"sum": "price"}})
        with pytest.raises(ConfigurationError, match="whose column orders is int64") as caught:
            partials_table(other).rows_of(*commit)
        assert caught.value.remedy == "Give a changed aggregate a new name"


class TestMigration:
    def plan(self, aggregate=PLAIN) -> LoadPlan:
        return LoadPlan((raw_table(),), partials=(partials_table(aggregate),))

    def catalog(self) -> dict:
        loader = {name: [] for name in ("schema_history", *(name for _, name, _ in LOADER))}
        return loader | {each.table: list(each.columns) for each in self.plan().loaded}

    def test_a_table_is_made_after_the_raw_ones(self):
        versions = [step.version for step in pending({}, self.plan(), HERE)]
        assert versions[-2:] == [f"raw_{DATASET} created", "agg_orders created"]
        assert pending(self.catalog(), self.plan(), HERE) == []

    def test_a_new_measure_is_a_column_at_the_end(self):
        wider = changed(
            dimensions=["note"], measures={"dearest": Measure(max="price"), **PLAIN.measures}
        )
        (step,) = pending(self.catalog(), self.plan(wider), HERE)
        added = 'ALTER TABLE "wh"."agg_orders" ADD COLUMN "dearest" DECIMAL(9,2)'
        assert step.statements[-1] == added

    def test_a_changed_type_is_refused(self):
        other = changed(dimensions=["note"], measures={"revenue": {"sum": "number"}})
        with pytest.raises(ConfigurationError, match=r"agg_orders\.revenue") as caught:
            pending(self.catalog(), self.plan(other), HERE)
        assert caught.value.remedy == "Give a changed aggregate a new name"

    def test_a_view_and_a_table_may_not_share_a_name(self):
        with pytest.raises(ConfigurationError, match="the table agg_orders is there twice"):
            replace(self.plan(), views={"agg_orders": "SELECT 1"})
