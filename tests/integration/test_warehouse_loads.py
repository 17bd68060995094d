"""Loads of a lake into the stand-in: everything once, by name, bounded, and rejects apart."""

from collections import Counter
from dataclasses import replace

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from tests.fakes.lake import DATASET
from tests.figures import counters
from tests.loads import LONG, NOTE_BYTES, TABLE, wide
from transforms.errors import ConfigurationError, WarehouseError
from transforms.lake import BatchLimits, ReadCommits, ReadCommitsConfig
from transforms.metrics import LOADED_ROWS
from transforms.redshift import (
    LoadPlan,
    WriteToRedshift,
    WriteToRedshiftConfig,
    migrate,
)

pytestmark = pytest.mark.warehouse


class TestAppend:
    def test_all_rows_arrive_once_with_their_values(self, loads):
        loads.lake.write(wide(0, 6), wide(6, 10))
        (result,) = loads.load()
        assert (result.load_id, result.loaded, result.rejected) == (1, 10, 0)
        assert loads.rows() == loads.accepted()
        columns = "_load_id, _topic, _offset, note, codes, price, number"
        found = loads.all(f"select {columns} from {{}}.{TABLE} where _offset = 3")
        assert [str(v) for v in found[0]] == ["1", "orders.v1", "3", "é3", '["a","b"]', "0.03", "3"]

    def test_what_is_loaded_is_not_loaded_again(self, loads):
        loads.lake.write(wide(0, 6))
        loads.load()
        assert loads.load() == []
        loads.lake.write(wide(6, 8))
        assert [result.loaded for result in loads.load()] == [2]
        assert loads.rows() == loads.accepted()

    def test_a_backlog_goes_in_bounded_transactions(self, loads):
        loads.lake.write(*(wide(n, n + 4) for n in range(0, 20, 4)))
        assert [result.loaded for result in loads.load(rows=8)] == [8, 8, 4]
        assert loads.rows() == loads.accepted()

    def test_commits_without_rows_move_the_fences(self, loads):
        loads.lake.write(wide(0, 5, dead=range(5)))
        assert [result.loaded for result in loads.load()] == [0]
        assert loads.load() == []

    def test_several_rows_of_a_message_are_several_rows(self, loads):
        loads.lake.write(wide(0, 4, rows_each=3))
        loads.load()
        assert loads.rows() == loads.accepted()
        assert sum(loads.rows().values()) == 12

    def test_manifests_are_swept_with_what_a_dead_loader_left(self, loads):
        loads.lake.write(wide(0, 3))
        (warehouse_id,) = loads.all("select warehouse_id from {}.load_lock")[0]
        loads.store.put(f"_manifests/{warehouse_id}/loads/9-9.json", b"{}")
        loads.load()
        assert loads.manifests() == []

    def test_each_load_is_on_record(self, loads):
        loads.lake.write(wide(0, 6), wide(6, 9, dead=[7]))
        loads.load()
        counts = "commits, files, rows_accepted, rows_loaded, rows_rejected"
        # Three with the genesis; the first segment has rows of two days.
        of_raw = f"where table_name = '{TABLE}'"
        assert loads.all(f"select {counts} from {{}}.load_history {of_raw}") == [[3, 3, 8, 8, 0]]


class TestLayouts:
    def test_files_of_an_older_layout_load_by_name(self, loads):
        older = wide(0, 4)
        table = older.rows[DATASET].drop_columns(["codes", "note"])
        loads.lake.write(older.with_rows(DATASET, table), wide(4, 6))
        assert [result.loaded for result in loads.load()] == [6]
        found = loads.all(
            f"select number, note from {{}}.{TABLE} where _offset in (3, 5) order by 1"
        )
        assert found == [[1, "é1"], [3, None]]

    def test_a_column_that_the_table_lacks_is_loaded_after_the_migration(self, loads):
        made = wide(0, 4)
        table = made.rows[DATASET].append_column("late", pa.array([1, 2, 3, 4], pa.int64()))
        loads.lake.write(made.with_rows(DATASET, table))
        with pytest.raises(ConfigurationError, match="has no column late"):
            loads.load()
        assert not loads.rows()
        loads.plan = LoadPlan((replace(loads.plan.tables[0], schema=table.schema),))
        loads.migrate()
        loads.load()
        assert loads.all(f"select sum(late) from {{}}.{TABLE}") == [[10]]

    def test_a_text_is_widened_once(self, loads):
        wider = replace(loads.plan.tables[0], lengths={"note": NOTE_BYTES * 2})
        loads.plan = LoadPlan((wider,))
        session = loads.connect()
        versions = [
            [step.version for step in migrate(session, loads.plan, loads.statements)]
            for _ in range(2)
        ]
        assert versions == [[f"{TABLE}.note widened to {NOTE_BYTES * 2}"], []]
        loads.lake.write(wide(0, 1, notes=[LONG]))
        assert [result.rejected for result in loads.load()] == [0]

    def test_a_migration_that_broke_off_goes_on(self, loads):
        loads.run("drop table {}.load_rejects")
        loads.migrate()
        loads.lake.write(wide(0, 1))
        assert [result.loaded for result in loads.load()] == [1]
        applied = loads.all("select version from {}.schema_history where version like '0004%'")
        assert len(applied) == 2

    def test_without_a_schema_the_remedy_is_named(self, loads):
        loads.schema = "nowhere"
        with pytest.raises(WarehouseError, match="warehouse migrate"):
            loads.load()


class TestRejects:
    def test_rows_that_copy_refuses_are_recorded_and_the_rest_is_loaded(self, loads):
        notes = ["a", LONG, "b", None, LONG + "é"]
        loads.lake.write(wide(0, 4), wide(4, 9, notes=notes), wide(9, 11))
        (result,) = loads.load()
        assert (result.loaded, result.rejected) == (9, 2)
        assert loads.rejects() == [[0, 5, 0, "too_long:note"], [0, 8, 0, "too_long:note"]]
        rejected = Counter((p, o, r) for p, o, r, _ in loads.rejects())
        assert loads.rows() + rejected == loads.accepted()
        assert loads.load() == []

    def test_no_value_is_recorded_or_logged(self, loads, caplog):
        loads.lake.write(wide(0, 1, notes=["Jane Roe, born 1950-01-01"]))
        loads.load()
        recorded = str(loads.all("select * from {}.load_rejects"))
        assert len(loads.rejects()) == 1
        assert "Roe" not in recorded + caplog.text

    def test_a_file_without_a_row_that_fits_is_all_rejects(self, loads):
        loads.lake.write(wide(0, 2, notes=[LONG, LONG]), wide(2, 3))
        (result,) = loads.load()
        assert (result.loaded, result.rejected) == (1, 2)
        assert loads.manifests() == []

    def test_a_conflict_after_the_search_does_not_lose_it(self, loads, warehouse):
        loads.lake.write(wide(0, 2, notes=["a", LONG]))
        warehouse.redshift.arm("^commit", "error")
        (result,) = loads.load()
        assert (result.loaded, result.rejected) == (1, 1)
        assert len(loads.rejects()) == 1


def test_limits_hold_per_transaction(loads):
    loads.lake.write(wide(0, 3), wide(3, 6))
    loader = loads.loader(limits=BatchLimits(commits=1))
    assert [result.loaded for result in loader.load()] == [0, 3, 3]


@pytest.mark.usefixtures("strays")
def test_the_chain_from_commits_to_rows_runs_as_a_pipeline(loads):
    loads.lake.write(wide(0, 3), wide(3, 6))
    read = ReadCommitsConfig(
        lake_root=loads.root, store=loads.store.settings, limits=BatchLimits(commits=1)
    )
    write = WriteToRedshiftConfig(
        lake_root=loads.root,
        store=loads.store.settings,
        plan=loads.plan,
        redshift=loads.settings(),
    )
    for expected in ([6], []):
        with TestPipeline() as pipeline:
            loaded = (
                pipeline
                | ReadCommits(read)
                | WriteToRedshift(write)
                | beam.Map(lambda outcome: outcome.result.loaded)
            )
            assert_that(loaded, equal_to(expected))
        assert sum(counters(pipeline.result, LOADED_ROWS).values()) == sum(expected)
    assert loads.rows() == loads.accepted()
