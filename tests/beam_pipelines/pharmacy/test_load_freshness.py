"""How far behind its warehouse is, and for how long it has been away."""

from datetime import UTC, datetime, timedelta

import pytest

from beam_pipelines.pharmacy.load_freshness import LoadFreshness
from tests.beam_pipelines.pharmacy.load_jobs import one_table
from tests.fakes.lake import DATASET
from transforms.errors import WarehouseUnavailableError

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
TABLE = f"raw_{DATASET}"


class FakeWarehouse:
    """Has a history of loads, or is away."""

    def __init__(self):
        self.rows, self.is_away = [], False
        self.closed = 0

    def connect(self):
        if self.is_away:
            raise WarehouseUnavailableError("it is away", "Wait")
        return self

    def query(self, sql, parameters=()):
        assert "load_history" in sql
        if self.is_away:
            raise WarehouseUnavailableError("it is away", "Wait")
        return self.rows

    def close(self):
        self.closed += 1


@pytest.fixture
def warehouse():
    return FakeWarehouse()


@pytest.fixture
def clock():
    return [NOON]


@pytest.fixture
def freshness(warehouse, clock):
    return LoadFreshness(one_table(), warehouse.connect, lambda: clock[0])


def ago(seconds):
    # As the database gives times: UTC, without saying so.
    return (NOON - timedelta(seconds=seconds)).replace(tzinfo=None)


def test_before_any_load_that_is_said(freshness):
    assert freshness.line() == "nothing loaded yet"
    freshness.look()
    assert freshness.line() == "nothing loaded yet"


def test_rows_count_from_the_start_and_ages_to_now(freshness, warehouse, clock):
    warehouse.rows = [(TABLE, 3, 1_000, 0, ago(100), ago(120)), ("other", 9, 99, 0, ago(1), ago(1))]
    freshness.look()
    assert freshness.line() == "loaded 100 s ago, 0 rows, newest 120 s old"
    warehouse.rows = [(TABLE, 4, 3_500, 0, ago(10), ago(25))]
    freshness.look()
    clock[0] += timedelta(seconds=2)
    assert freshness.line() == "loaded 12 s ago, 2,500 rows, newest 27 s old"


def test_an_outage_is_told_with_its_age_until_it_is_over(freshness, warehouse, clock):
    warehouse.rows = [(TABLE, 3, 1_000, 0, ago(100), None)]
    freshness.look()
    warehouse.is_away = True
    freshness.look()
    clock[0] += timedelta(seconds=40)
    freshness.look()
    assert freshness.line() == "no answer from the warehouse for 40 s"
    warehouse.is_away = False
    freshness.look()
    assert freshness.line() == "loaded 140 s ago, 0 rows"


def test_it_asks_until_it_is_stopped_and_leaves_the_warehouse(freshness, warehouse, monkeypatch):
    monkeypatch.setattr("beam_pipelines.pharmacy.load_freshness._EVERY_S", 0.001)
    freshness.start()
    while freshness._found is None:
        assert freshness.is_alive()
    freshness.stop()
    freshness.join(60)
    assert not freshness.is_alive()
    assert warehouse.closed == 1
