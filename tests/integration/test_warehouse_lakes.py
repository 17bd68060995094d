"""Lakes and tables that aren't what was loaded: each is refused, the remedy named, nothing done."""

import threading
from dataclasses import replace

import pytest

from tests.fakes.lake import TOPIC, TOPIC_ID
from tests.loads import LONG, TABLE, Loads, wide
from transforms.errors import LakeMismatchError
from transforms.lake import PartitionId, commits
from transforms.redshift import forget
from transforms.redshift.star import refill

pytestmark = pytest.mark.warehouse

OWN = ("load_fences", "load_rejects", "load_history")
#: What a load changes, in one transaction.
TABLES = (TABLE, "dim_order", "fact_number", *OWN)


@pytest.fixture
def refused(loads):
    """Loads, which must be refused and change nothing; returns the error."""

    def refuse() -> LakeMismatchError:
        before = state(loads)
        with pytest.raises(LakeMismatchError) as caught:
            loads.load()
        assert state(loads) == before
        return caught.value

    return refuse


def state(loads: Loads) -> list[list[list[object]]]:
    return [loads.all(f"select * from {{}}.{table} order by 1, 2, 3, 4, 5, 6") for table in TABLES]


def write_twice(loads: Loads) -> None:
    """Two loads, each with a row that COPY refuses."""
    for start in (0, 3):
        loads.lake.write(wide(start, start + 3, notes=["a", LONG, "b"]))
        loads.load()


class TestAnotherLake:
    def test_one_that_was_begun_anew_is_refused(self, loads, refused):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.begin_lake(lake_id="lake-2")
        loads.lake.write(wide(0, 5))
        error = refused()
        assert "was loaded from the lake lake-1, this one is lake-2" in error.what
        assert "a schema of its own" in error.remedy
        loads.schema += "_anew"
        loads.migrate()
        loads.load()
        loads.assert_exact()

    def test_of_two_that_come_at_once_the_schema_gets_one(self, loads, warehouse, s3):
        other = Loads(warehouse, s3, f"{loads.root}-2", loads.schema)
        other.begin_lake(lake_id="lake-2")
        ended = {}

        def load(each: Loads) -> None:
            try:
                ended[each.lake.manifest.lake_id] = [r.loaded for r in each.load(rows=2)]
            except LakeMismatchError as error:
                ended[each.lake.manifest.lake_id] = error.remedy

        for each in (loads, other):
            each.lake.write(*(wide(n, n + 2) for n in range(0, 6, 2)))
        threads = [threading.Thread(target=load, args=[each]) for each in (loads, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        (winner,) = (each for each in (loads, other) if isinstance(_ended(ended, each), list))
        (remedy,) = (text for text in ended.values() if isinstance(text, str))
        assert "a schema of its own" in remedy
        winner.assert_exact()


def _ended(ended, loads: Loads):
    return ended[loads.lake.manifest.lake_id]


class TestForks:
    @pytest.mark.parametrize("seq", [1, 2])
    def test_one_is_refused_however_long_it_is(self, loads, refused, seq):
        """The lake is taken back to a commit, and goes on with other segments."""
        loads.lake.write(wide(0, 3), wide(3, 6))
        loads.load()
        owner = PartitionId(TOPIC, TOPIC_ID, 0)
        loads.store.delete([owner.commit_key(n) for n in range(seq, 3)])
        start = (seq - 1) * 3
        for end in (start + 4, start + 5, start + 6):
            error = refused()
            assert "replaced by a fork" in error.remedy
            loads.lake.write(wide(end - 1 if end > start + 4 else start, end))
        assert f"{TABLE}: its fence is not a commit of the chain" in loads.breaches()

    def test_one_of_several_partitions_is_enough(self, loads, refused):
        loads.begin_lake(partitions=2)
        for partition in (0, 1):
            loads.lake.write(wide(0, 3, partition=partition))
        loads.load()
        loads.store.delete([PartitionId(TOPIC, TOPIC_ID, 1).commit_key(1)])
        loads.lake.write(wide(3, 5), wide(0, 4, partition=1))
        assert f"{TOPIC}" in refused().what

    def test_one_that_is_shorter_is_refused_although_a_table_begins_anew(self, loads, refused):
        """A table that begins anew reads from the genesis; another one of its topic is further."""
        (raw,) = loads.plan.tables
        loads.plan = replace(loads.plan, tables=(raw, replace(raw, dataset="other")))
        loads.migrate()
        loads.lake.write(wide(0, 3), wide(3, 6))
        loads.load()
        owner = PartitionId(TOPIC, TOPIC_ID, 0)
        loads.store.delete([owner.commit_key(n) for n in (1, 2)])
        loads.lake.write(wide(0, 4))
        rebuild(loads)
        assert "that commit is gone" in refused().what

    def test_a_chain_that_is_gone_is_refused(self, loads, refused):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.store.delete([item.key for item in loads.store.walk("_commits/")])
        assert "that commit is gone" in refused().what

    def test_one_that_is_brought_back_goes_on(self, loads, refused):
        loads.lake.write(wide(0, 3), wide(3, 6))
        loads.load()
        key = PartitionId(TOPIC, TOPIC_ID, 0).commit_key(2)
        body = loads.store.get(key)
        loads.store.delete([key])
        refused()
        loads.store.put(key, body)
        loads.lake.write(wide(6, 8))
        loads.load()
        loads.assert_exact()


class TestRestored:
    @pytest.mark.parametrize(
        ("table", "when"),
        [
            *((table, "an hour ago") for table in TABLES),
            *((table, "before the first load") for table in ("load_fences", "load_history")),
        ],
    )
    def test_one_table_alone_is_refused_until_it_is_rebuilt(self, loads, refused, table, when):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        loads.load()
        loads.run(f"create table {{}}.backup as select * from {{}}.{table}")
        loads.lake.write(wide(3, 6, notes=["a", LONG, "b"]))
        loads.load()
        loads.run(f"delete from {{}}.{table}")
        if when == "an hour ago":
            loads.run(f"insert into {{}}.{table} select * from {{}}.backup")
        if table != "load_history":
            assert loads.breaches()
        loads.lake.write(wide(6, 9))
        error = refused()
        assert "was restored or changed by hand" in error.what
        assert "warehouse reload" in error.remedy
        rebuild(loads)
        loads.load()
        loads.assert_exact()

    def test_the_loaders_own_tables_together_are_refused(self, loads, refused):
        write_twice(loads)
        for table in OWN:
            loads.run(f"delete from {{}}.{table}")
        loads.lake.write(wide(6, 9))
        assert f"{TABLE} has 4 rows since load 0" in refused().what

    def test_all_tables_together_go_on_from_there(self, loads):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        loads.load()
        for table in TABLES:
            loads.run(f"create table {{}}.old_{table} as select * from {{}}.{table}")
        loads.lake.write(wide(3, 6, notes=["a", LONG, "b"]))
        loads.load()
        for table in TABLES:
            loads.run(f"delete from {{}}.{table}")
            loads.run(f"insert into {{}}.{table} select * from {{}}.old_{table}")
        loads.load()
        loads.assert_exact()


class TestEdited:
    @pytest.mark.parametrize(
        "change", ["fence = 1", "seq = {seq}, commit_sha256 = '{sha256}', fence = {end}"]
    )
    def test_a_fence_that_was_moved_by_hand_is_refused(self, loads, refused, change):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.lake.write(wide(3, 6), wide(6, 9))
        *_, ahead, _ = commits(loads.store, loads.lake.manifest)
        moved = change.format(seq=ahead.commit.seq, sha256=ahead.sha256, end=ahead.commit.end)
        loads.run(f"update {{}}.load_fences set {moved}")
        assert f"the fences of {TABLE} aren't those that load 1 left" in refused().what

    def test_a_row_that_somebody_added_to_the_last_load_is_noticed(self, loads, refused):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.run(f"insert into {{}}.{TABLE} select * from {{}}.{TABLE} where _offset = 1")
        loads.lake.write(wide(3, 6))
        assert f"{TABLE} has 4 rows since load 1" in refused().what
        assert loads.breaches() == [f"{TABLE}: rows are there twice"]


def rebuild(loads: Loads) -> None:
    """What ``warehouse reload`` does before it loads, for each table."""
    session = loads.connect()
    forget(session, loads.statements, TABLE)
    for each in loads.plan.star:
        refill(session, loads.statements, loads.plan.star, each.table)
    session.close()
