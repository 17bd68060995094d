"""Loaders of one lake at work at once, and one that loses a reply meanwhile: all rows once."""

import itertools
import os
import threading
import time
from collections.abc import Callable

import pytest

from tests.loads import LONG, TABLE, Loads, wide
from tests.statements import first_hooked
from transforms.errors import PipelineError

pytestmark = pytest.mark.warehouse

#: For how long two loaders run against each other; a minute or an hour may be asked for.
SECONDS = float(os.environ.get("LOADERS_SECONDS", "2"))
#: What befalls them meanwhile, one after the other.
TROUBLES = (
    ("^commit", "error"),
    ("^insert", "drop_after"),
    ("^copy", "error"),
    ("^commit", "drop_after"),
    ("^commit", "drop_before"),
)


class TestLostReplies:
    """COMMIT was sent, its answer never came, and another loader was there before the retry."""

    def other(self, loads: Loads, loaded: list[int]) -> Callable[[float], None]:
        """Pauses by letting another loader load what is there, and more."""

        def pause(_):
            loads.grow(2)
            loaded.extend(result.loaded for result in loads.load())

        return pause

    def test_what_took_effect_is_told_once(self, loads, armed):
        loads.lake.write(wide(0, 3))
        others = []
        with armed("^commit", "drop_after"):
            assert [r.loaded for r in loads.load(sleep=self.other(loads, others))] == [3]
        assert others == [2]
        loads.assert_exact()

    def test_what_did_not_is_not_taken_for_the_load_of_the_same_number(self, loads, armed):
        loads.lake.write(wide(0, 3))
        others = []
        with armed("^commit", "drop_before"):
            assert loads.load(sleep=self.other(loads, others)) == []
        assert others == [5]
        assert loads.all("select max(load_id) from {}.load_history") == [[1]]
        loads.assert_exact()

    def test_it_is_not_forgotten_by_another_break(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        before = warehouse.redshift.fired()
        warehouse.redshift.arm("^commit", "drop_after")
        warehouse.redshift.arm("^rollback", "drop_before")
        assert [result.loaded for result in loads.load()] == [3]
        assert warehouse.redshift.fired() - before == 2
        loads.assert_exact()

    def test_with_refused_rows_it_is_the_same(self, loads, armed):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        others = []
        with armed("^commit", "drop_before"):
            assert loads.load(sleep=self.other(loads, others)) == []
        assert others == [4]
        assert len(loads.rejects()) == 1
        loads.assert_exact()


class TestTwoLoaders:
    def test_at_once_they_load_everything_once(self, loads, warehouse):
        """Both run all the time; rows are refused, connections cut, transactions aborted."""
        loads.begin_lake(partitions=2)
        failures, ended, loaded = [], threading.Event(), [0, 0]

        def load(which):
            loader = loads.loader(sleep=None, patience_s=120.0)
            try:
                while not ended.is_set():
                    for result in loader.load():
                        loaded[which] += result.loaded
            except PipelineError as error:
                failures.append(error)

        threads = [threading.Thread(target=load, args=[which]) for which in (0, 1)]
        for thread in threads:
            thread.start()
        least, most = time.monotonic() + SECONDS, time.monotonic() + SECONDS + 60
        troubles, before = itertools.cycle(TROUBLES), warehouse.redshift.fired()
        armed = 0
        for number in itertools.count():
            # Each must have had its turns, and its troubles.
            if failures or time.monotonic() > (least if all(loaded) and armed > 1 else most):
                break
            notes = ["a", LONG, "b", "c"] if number % 50 == 5 else None
            loads.grow(4, partition=number % 2, notes=notes)
            if number % 8 == 3 and warehouse.redshift.fired() - before == armed:
                warehouse.redshift.arm(*next(troubles))
                armed += 1
        ended.set()
        for thread in threads:
            thread.join(60)
        warehouse.redshift.clear()
        assert not failures
        assert all(loaded)
        assert armed > 1
        loads.load()
        loads.assert_exact()
        of_raw = f"where table_name = '{TABLE}' order by 1"
        numbers = [n for (n,) in loads.all(f"select load_id from {{}}.load_history {of_raw}")]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_a_commit_that_comes_while_a_load_runs_is_for_the_next(self, loads):
        loads.lake.write(wide(0, 3))
        coming = [wide(3, 5)]

        def hook(sql):
            if sql.startswith("COPY"):
                loads.lake.write(*coming)
                coming.clear()

        assert [r.loaded for r in loads.load(connect=first_hooked(loads.connect, hook))] == [3, 2]
        loads.assert_exact()

    def test_refused_rows_that_come_all_the_time_do_not_keep_a_load_from_getting_through(
        self, loads
    ):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        found = []

        def hook(sql):
            if sql == "ROLLBACK" and len(found) < 6:  # After each try of a COPY.
                found.append(sql)
                loads.grow(2, notes=["a", LONG])

        first, *others = [
            result.loaded for result in loads.load(connect=first_hooked(loads.connect, hook))
        ]
        assert first == 2
        assert sum(others) == len(found)
        loads.assert_exact()

    def test_refused_rows_that_another_loader_was_quicker_with_do_not_end_the_load(
        self, loads, armed
    ):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))

        def pause(_):
            loads.load()
            loads.grow(2)

        with armed("^commit", "drop_before"):
            assert [result.loaded for result in loads.load(sleep=pause)] == [2]
        loads.assert_exact()

    def test_two_schemas_of_one_lake_leave_each_others_manifests_alone(self, loads):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        other = Loads(loads.warehouse, loads.s3, loads.root, f"{loads.schema}_other")
        other.lake = loads.lake
        other.migrate()
        loaded = []

        def hook(sql):
            if sql.startswith("COPY") and not loaded:
                loaded.extend(other.load())

        assert [r.loaded for r in loads.load(connect=first_hooked(loads.connect, hook))] == [2]
        assert [result.loaded for result in loaded] == [2]
        loads.assert_exact()
        other.assert_exact()
