"""Partials of a load in files of their own: all, by position, in bounded memory."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fakes.lake import FakeLake
from tests.loads import LONG
from tests.partials import ORDERS, changed, noted, partials_table, write
from transforms.errors import PipelineError
from transforms.lake import commits
from transforms.redshift import LoadPlan, assembly
from transforms.redshift.assembly import assemble
from transforms.redshift.batch import sidecars
from transforms.redshift.layout import staging_columns
from transforms.redshift.manifest import Manifests

OTHERS = changed(name="others", dimensions=[])
TABLES = (partials_table(), partials_table(OTHERS))
COLUMNS = {
    each.table: staging_columns(each.file_schema, each.columns, each.table) for each in TABLES
}


@pytest.fixture
def lake() -> FakeLake:
    return FakeLake()


def written(lake, *segments) -> list:
    write(lake, *segments, aggregates=(ORDERS, OTHERS))
    tails = list(commits(lake.store, lake.manifest))
    return list(sidecars(tails, {}, LoadPlan((), partials=TABLES)))


def assembled(lake, found):
    manifests = Manifests(lake.store, "w", "me")
    return {each.table.table: each for each in assemble(lake.store, manifests, found, COLUMNS)}


def rows(lake, made) -> pa.Table:
    bodies = (pa.BufferReader(lake.store.content[source.key]) for source in made.sources)
    return pa.concat_tables(pq.read_table(body) for body in bodies)


def test_all_partials_of_all_commits_are_in_one_file_a_table(lake):
    made = assembled(lake, written(lake, noted(0, 10), noted(10, 15)))
    assert sorted(made) == ["agg_orders", "agg_others"]
    for each in made.values():
        (source,) = each.sources
        assert source.key == f"_manifests/w/loads/me/{each.table.table}-0.parquet"
        assert source.bytes == len(lake.store.content[source.key])
        found = rows(lake, each)
        assert found.column_names == [column.name for column in COLUMNS[each.table.table]]
        assert found.num_rows == each.rows
        assert sum(found.column("orders").to_pylist()) == 15
        assert set(found.column("_commit_seq").to_pylist()) == {1, 2}


def test_files_and_rounds_are_bounded_by_bytes(lake, monkeypatch):
    found = written(lake, noted(0, 5), noted(5, 10), noted(10, 15))
    whole = rows(lake, assembled(lake, found)["agg_orders"])
    monkeypatch.setattr(assembly, "_FILE_BYTES", 1)
    monkeypatch.setattr(assembly, "_ROUND_BYTES", 1)
    made = assembled(lake, found)["agg_orders"]
    assert len(made.sources) == 3
    assert rows(lake, made).equals(whole)


def test_a_row_that_the_table_cannot_take_is_rejected_by_its_place(lake):
    made = assembled(lake, written(lake, noted(0, 4, notes=("a", LONG))))["agg_orders"]
    (sidecar, reject), *_ = made.rejects
    assert (reject.offset, reject.reason) == (1, "too_long:note")
    partials = assembly.read_small_tables(lake.store, sidecar.commit)["partials.orders"]
    assert partials.column("note")[reject.row].as_py() == LONG
    assert set(rows(lake, made).column("note").to_pylist()) == {"a"}
    assert made.rows + len(made.rejects) == partials.num_rows


def test_nothing_that_fits_is_no_file(lake):
    made = assembled(lake, written(lake, noted(0, 4, notes=(LONG,))))["agg_orders"]
    assert (made.sources, made.rows) == ([], 0)
    assert made.rejects


def test_a_sidecar_that_is_not_as_its_commit_says_is_no_matter_of_rows(lake):
    (sidecar,) = written(lake, noted(0, 4))
    fewer = replace(sidecar.file, tables={**sidecar.file.tables, "partials.others": 9})
    with pytest.raises(PipelineError, match=r"hasn't got the 9 rows of partials\.others"):
        assembled(lake, [replace(sidecar, file=fewer)])
