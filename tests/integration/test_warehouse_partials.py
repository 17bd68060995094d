"""Partials in the warehouse: each once, and their view says what the lake's totals do."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from runners.local import S3
from tests.loads import LONG, NOTE_BYTES, Loads
from tests.partials import ORDERS, changed, noted, partials_table, write
from tests.statements import hooked
from tests.warehouse import Warehouse
from transforms.errors import ConfigurationError, LakeMismatchError, WarehouseError
from transforms.redshift import (
    LoadPlan,
    LoadResult,
    Session,
    assembly,
    forget,
    migrate,
)
from transforms.segment import Segment
from transforms.windows import Aggregate, Measure, read_totals
from transforms.windows.totals import merge_committed

pytestmark = pytest.mark.warehouse

PRICED = changed(measures={**ORDERS.measures, "dearest": Measure(max="price")})

_NUMBERS = itertools.count(1)


class Counted:
    """A lake whose commits hold partials, and the schema that they are loaded into."""

    def __init__(self, loads: Loads) -> None:
        self.loads = loads
        self.aggregates: tuple[Aggregate, ...] = (ORDERS,)

    def declare(self, *aggregates: Aggregate) -> None:
        """Writes these from now on, and brings the schema up to them."""
        self.aggregates = aggregates
        (raw,) = self.loads.plan.tables
        made = tuple(partials_table(each, raw) for each in aggregates)
        views = {each.aggregate: each.view() for each in made}
        self.loads.plan = LoadPlan((raw,), partials=made, views=views)
        self.loads.migrate()

    def write(self, *segments: Segment) -> None:
        write(self.loads.lake, *segments, aggregates=self.aggregates)

    def load(self, **arguments: Any) -> list[LoadResult]:
        return self.loads.load(**arguments)

    def totals(self, aggregate: Aggregate = ORDERS) -> list[dict[str, str]]:
        """What the lake's partials merge to, without what only sketches tell."""
        found = read_totals(merge_committed(self.loads.store, aggregate.name))
        return _ordered(found.select(self._columns(aggregate)).to_pylist())

    def viewed(self, aggregate: Aggregate = ORDERS) -> list[dict[str, str]]:
        """What the view says."""
        names = self._columns(aggregate)
        listed = ", ".join(f'"{name}"' for name in names)
        rows = self.loads.all(f"select {listed} from {{}}.{aggregate.name}")
        return _ordered(dict(zip(names, row, strict=True)) for row in rows)

    def breaches(self) -> list[str]:
        """What the proof finds."""
        return self.loads.breaches()

    def assert_exact(self) -> None:
        """View and totals agree, the proof holds, and nothing is left in the lake."""
        assert self.viewed() == self.totals()
        assert self.breaches() == []
        assert self.loads.manifests() == []

    def _columns(self, aggregate: Aggregate) -> list[str]:
        (table,) = (each for each in self.loads.plan.partials if each.aggregate == aggregate.name)
        return [*table.keys, *table.merges]


def _ordered(rows: Any) -> list[dict[str, str]]:
    """Rows in an order of their own, with times as the warehouse has them."""
    told = [{name: _told(value) for name, value in row.items()} for row in rows]
    return sorted(told, key=lambda row: str(row.values()))


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value.replace(tzinfo=None))
    return str(value)


@pytest.fixture
def counted(warehouse: Warehouse, s3: S3, lake_root: str) -> Counted:
    """A lake of two partitions."""
    found = Counted(Loads(warehouse, s3, lake_root, f"partials_{next(_NUMBERS)}").begin(2))
    found.declare(ORDERS)
    return found


class TestTotals:
    def test_the_view_says_what_the_lakes_totals_do_over_many_loads(self, counted):
        counted.write(noted(0, 30), noted(0, 15, partition=1), noted(30, 45, rows_each=2))
        counted.load(rows=20)
        counted.write(noted(45, 46), noted(46, 150, dead=[50, 51]), noted(15, 120, partition=1))
        results = counted.load(rows=120)
        assert len(results) > 1
        assert len(counted.viewed()) > 9
        counted.assert_exact()

    def test_a_load_says_what_it_did_apart_from_the_datasets_rows(self, counted):
        counted.write(noted(0, 10))
        (result,) = counted.load()
        partials = result.partials["agg_orders"]
        assert (result.loaded, partials.accepted, partials.loaded) == (10, 5, 5)
        where = "where table_name = 'agg_orders'"
        recorded = f"select commits, files, rows_loaded from {{}}.load_history {where}"
        assert counted.loads.all(recorded) == [[3, 1, 5]]

    def test_commits_without_partials_are_passed_over(self, counted):
        counted.write(noted(0, 5, dead=range(5)), noted(5, 5))
        assert [result.partials["agg_orders"].loaded for result in counted.load()] == [0]
        assert counted.load() == []
        assert counted.viewed() == []

    def test_many_partials_go_in_several_files(self, counted, monkeypatch):
        monkeypatch.setattr(assembly, "_FILE_BYTES", 1)
        monkeypatch.setattr(assembly, "_ROUND_BYTES", 1)
        counted.write(noted(0, 5), noted(5, 10), noted(10, 15))
        assert [result.partials["agg_orders"].files for result in counted.load()] == [3]
        counted.assert_exact()


class TestFaults:
    def test_wherever_a_load_ends_each_partial_is_there_once(self, counted):
        sent: list[str] = []
        counted.write(noted(0, 5))
        counted.load(connect=lambda: hooked(counted.loads.connect(), sent.append))
        _rows, first, _fences = (n for n, sql in enumerate(sent) if sql.startswith("CREATE TEMP"))
        last = sent.index("COMMIT") + 1
        counted.write(noted(5, 10), noted(10, 12))
        for number in range(first, last + 1):
            with pytest.raises(Killed):
                counted.load(connect=_killed_at(counted.loads, number))
        assert counted.load() == []  # The last one had committed.
        counted.write(noted(12, 13))
        counted.load()
        counted.assert_exact()

    def test_partials_that_were_restored_to_an_earlier_time_are_refused_until_reloaded(
        self, counted
    ):
        for start in (0, 10):
            counted.write(noted(start, start + 10))
            counted.load()
        counted.loads.run("delete from {}.agg_orders where _load_id = 2")
        counted.write(noted(20, 30))
        with pytest.raises(LakeMismatchError, match="agg_orders has 0 rows since load 2"):
            counted.load()
        session = counted.loads.connect()
        forget(session, counted.loads.statements, "agg_orders")
        session.close()
        results = counted.load()
        assert [(r.loaded, r.partials["agg_orders"].commits) for r in results] == [(10, 5)]
        counted.assert_exact()

    def test_a_text_that_is_too_long_is_rejected_and_the_rest_is_loaded(self, counted):
        counted.write(noted(0, 6, notes=("a", LONG)), noted(6, 8))
        (result,) = counted.load()
        partials = result.partials["agg_orders"]
        assert (partials.accepted, partials.loaded, partials.rejected) == (6, 4, 2)
        assert {row["note"] for row in counted.viewed()} == {"a", "b"}
        rejects = counted.loads.all(
            "select row_offset, reason from {}.load_rejects where table_name = 'agg_orders'"
        )
        assert rejects == [[1, "too_long:note"]] * 2
        assert counted.breaches() == []
        assert counted.load() == []

    def test_a_copy_that_is_refused_for_no_fault_of_a_row_is_told_and_tried_again(
        self, counted, warehouse
    ):
        counted.write(noted(0, 5))
        warehouse.redshift.arm("^copy .*agg_orders", "error", code="22000", message="odd")
        with pytest.raises(WarehouseError, match="the partials for agg_orders"):
            counted.load()
        assert counted.viewed() == []
        assert [result.loaded for result in counted.load()] == [5]
        counted.assert_exact()


class Killed(BaseException):
    """The loader's process is gone."""


def _killed_at(loads: Loads, number: int) -> Callable[[], Session]:
    """Connects; before a statement the connection is cut, and the loader is gone with it."""
    numbers = itertools.count()

    def connect() -> Session:
        session = loads.connect()

        def kill(_: str) -> None:
            if next(numbers) == number:
                session.cut()
                raise Killed

        return hooked(session, kill)

    return connect


class TestDeclarations:
    def test_an_aggregate_that_comes_later_is_loaded_from_the_genesis(self, counted):
        other = changed(name="others", dimensions=())
        counted.aggregates = (ORDERS, other)
        counted.write(noted(0, 10), noted(10, 20))
        counted.load()
        counted.declare(ORDERS, other)
        assert [(r.loaded, r.partials["agg_others"].commits) for r in counted.load()] == [(0, 4)]
        assert counted.viewed(other) == counted.totals(other) != []
        counted.assert_exact()

    def test_a_changed_one_is_counted_apart_as_in_the_lake(self, counted):
        counted.write(noted(0, 10))
        counted.load()
        before = counted.viewed()
        counted.declare(PRICED)
        counted.write(noted(10, 20))
        counted.load()
        with pytest.raises(ConfigurationError, match="don't all mean the same"):
            counted.totals(PRICED)
        counts = "select count(*), count(distinct _definition), count(dearest) from {}.agg_orders"
        assert [int(n) for n in counted.loads.all(counts)[0]] == [9, 2, 4]
        assert sum(int(row["orders"]) for row in counted.viewed(PRICED)) == 10
        assert counted.breaches() == []
        counted.declare(ORDERS)
        assert counted.viewed() == before

    def test_older_partials_than_a_new_measure_are_loaded_without_it(self, counted):
        counted.write(noted(0, 10))
        counted.declare(PRICED)
        assert [result.partials["agg_orders"].loaded for result in counted.load()] == [5]
        assert counted.loads.all("select count(revenue), count(dearest) from {}.agg_orders") == [
            [5, 0]
        ]
        assert counted.breaches() == []

    def test_another_type_under_the_same_name_is_refused(self, counted):
        counted.write(noted(0, 10))
        wider = {**ORDERS.measures, "revenue": Measure(sum="price * CAST(1.000 AS DECIMAL(4, 3))")}
        with pytest.raises(ConfigurationError, match=r"agg_orders\.revenue is DECIMAL") as caught:
            counted.declare(changed(measures=wider))
        assert "new name" in caught.value.remedy


class TestProof:
    @pytest.mark.parametrize(
        ("damage", "what"),
        [
            ("delete from {} where note = 'a'", "partials accepted"),
            ("update {} set orders = orders + 1", "the sum of orders"),
        ],
    )
    def test_what_was_changed_by_hand_is_found(self, loaded, damage, what):
        loaded.loads.run(damage.replace("{}", "{}.agg_orders"))
        found = loaded.breaches()
        assert found
        assert all(each.startswith("agg_orders: commit ") and what in each for each in found)

    def test_a_fence_that_is_no_commit_is_found(self, loaded):
        where = "where table_name = 'agg_orders'"
        loaded.loads.run(f"update {{}}.load_fences set commit_sha256 = 'ab' {where}")
        assert "agg_orders: its fence is not a commit of the chain" in loaded.breaches()

    @pytest.fixture
    def loaded(self, counted: Counted) -> Counted:
        counted.write(noted(0, 10), noted(10, 20))
        counted.load()
        return counted


class TestViews:
    def test_they_do_not_hold_up_a_change_of_their_tables(self, counted):
        (raw,) = counted.loads.plan.tables
        counted.loads.plan = replace(
            counted.loads.plan, tables=(replace(raw, lengths={"note": NOTE_BYTES * 2}),)
        )
        counted.declare(ORDERS)
        counted.write(noted(0, 4, notes=(LONG,)))
        assert [result.partials["agg_orders"].rejected for result in counted.load()] == [0]
        counted.assert_exact()

    def test_one_that_was_dropped_is_made_again(self, counted):
        counted.loads.run("drop view {}.orders")
        counted.loads.migrate()
        assert counted.viewed() == []

    def test_nothing_is_made_twice(self, counted):
        session = counted.loads.connect()
        assert migrate(session, counted.loads.plan, counted.loads.statements) == []
        session.close()
