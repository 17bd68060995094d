import threading
import time

import pytest

from tests.benchmarks.warehouse.watching import LoadWatch
from transforms.errors import WarehouseUnavailableError
from transforms.redshift import Statements


class Warehouse:
    """Answers with the newest load, in the place of a session."""

    def __init__(self):
        self.newest = 0
        self.failure = None
        self.looked = threading.Event()

    def query(self, sql):
        if self.failure:
            raise self.failure
        self.looked.set()
        return [(self.newest,)]

    def await_look(self):
        self.looked.clear()
        assert self.looked.wait(30)


@pytest.fixture
def warehouse():
    return Warehouse()


@pytest.fixture
def watch(warehouse):
    return LoadWatch(warehouse, Statements("s"))


class TestLoadWatch:
    def test_each_load_has_the_time_at_which_it_was_first_found(self, warehouse, watch):
        watch.start()
        warehouse.await_look()
        before = time.time()
        warehouse.newest = 2
        warehouse.await_look()
        warehouse.await_look()  # The one before it has been noted by now.
        after = time.time()
        warehouse.newest = 3
        seen = watch.stop()
        assert list(seen) == [1, 2, 3]
        assert before <= seen[1] == seen[2] <= after <= seen[3]

    def test_the_last_load_is_found_though_nobody_looked_since(self, warehouse, watch):
        warehouse.newest = 1
        watch._ended.set()
        watch.start()
        assert list(watch.stop()) == [1]

    def test_a_warehouse_that_could_not_be_asked_spoils_the_figures(self, warehouse, watch):
        warehouse.failure = WarehouseUnavailableError("it is away", "Try again")
        watch.start()
        watch.join(30)
        warehouse.failure = None
        with pytest.raises(WarehouseUnavailableError):
            watch.stop()
