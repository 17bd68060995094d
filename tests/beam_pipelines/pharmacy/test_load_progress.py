"""How far loads have come: rows and lag by table, whatever becomes of the connection."""

import io

import pytest
from rich.console import Console

from beam_pipelines.pharmacy.load_progress import LoadProgress
from tests.beam_pipelines.pharmacy.load_jobs import one_table
from tests.fakes.lake import DATASET, TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import LakeMismatchError, WarehouseUnavailableError

TABLE = f"raw_{DATASET}"
AWAY = WarehouseUnavailableError("it is away", "Wait")


class FakeWarehouse:
    """Three loads are on record, and the fence of partition 0 is wherever it is put."""

    def __init__(self):
        self.lake_id, self.seq, self.loads = "lake-1", 0, {}
        self.is_away = False
        self.sessions = []

    def connect(self) -> "FakeSession":
        if self.is_away:
            raise AWAY
        self.sessions.append(FakeSession(self))
        return self.sessions[-1]


class FakeSession:
    def __init__(self, warehouse: FakeWarehouse) -> None:
        self.warehouse = warehouse
        self.is_cut = self.is_closed = False

    def query(self, sql, parameters=()):
        if self.is_cut or self.warehouse.is_away:
            raise AWAY
        if "load_fences" in sql:
            found = self.warehouse
            return [(found.lake_id, TOPIC, TOPIC_ID, 0, TABLE, 9, found.seq, "ab")]
        if "SUM(rows_loaded)" in sql:
            assert parameters == [3]
            return [(table, *counts) for table, counts in self.warehouse.loads.items()]
        assert "MAX(load_id)" in sql
        return [(3,)]

    def close(self):
        self.is_closed = True


@pytest.fixture
def warehouse() -> FakeWarehouse:
    return FakeWarehouse()


@pytest.fixture
def begun(warehouse):
    """A progress on a lake of four commits with their geneses: three in partition 0, one in 1."""
    lake = FakeLake({0: 0, 1: 0})
    lake.write(segment(0, 5), segment(5, 9))
    return lambda: LoadProgress(one_table(), lake.store, warehouse.connect)


def test_it_begins_with_nothing_loaded_and_knows_what_is_to_come(begun):
    progress = begun()
    assert (progress.rows, progress.lag()) == (0, 2 + 1)


def test_each_look_sees_what_is_committed(begun, warehouse):
    progress = begun()
    warehouse.seq, warehouse.loads = 2, {TABLE: (8, 1), "fact_order": (5, 0)}
    progress.look()
    assert (progress.rows, progress.lag()) == (8, 1)
    assert "8 rows loaded" in progress.line()
    assert progress.line().endswith("lag 1 commits")
    assert len(warehouse.sessions) == 1


def test_fences_beyond_the_end_are_no_lag(begun, warehouse):
    """Somebody went on loading."""
    warehouse.seq = 7
    assert begun().lag() == 1


def test_the_table_tells_rows_and_rejects_of_all_that_was_made(begun, warehouse):
    progress = begun()
    warehouse.loads = {TABLE: (8, 1), "fact_order": (5, 0)}
    progress.look()
    screen = Console(file=io.StringIO(), width=100)
    screen.print(progress.table())
    lines = [line.split() for line in screen.file.getvalue().splitlines()]
    assert [TABLE, "8", "1", "3"] in lines
    assert ["fact_order", "5", "0"] in lines


def test_a_connection_that_was_cut_is_made_again(begun, warehouse):
    progress = begun()
    warehouse.sessions[0].is_cut = True
    progress.look()
    assert [each.is_closed for each in warehouse.sessions] == [True, False]


def test_an_outage_shows_and_the_next_look_sees_again(begun, warehouse):
    progress = begun()
    warehouse.is_away = True
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError):
            progress.look()
    warehouse.is_away = False
    warehouse.seq = 2
    progress.look()
    assert progress.lag() == 1


def test_another_lakes_warehouse_is_refused(begun, warehouse):
    warehouse.lake_id = "lake-2"
    with pytest.raises(LakeMismatchError):
        begun()


def test_it_leaves_the_warehouse(begun, warehouse):
    progress = begun()
    progress.close()
    progress.close()
    assert warehouse.sessions[0].is_closed
