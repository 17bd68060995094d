"""The loader when things go wrong: nothing lost, nothing twice, whatever ends it, wherever."""

import itertools
import threading
from collections import Counter

import pytest

from tests.fakes.lake import DATASET
from tests.launcher import Launcher
from tests.loads import NOTE_BYTES, Loads, Row, wide
from transforms.errors import (
    PipelineError,
    WarehouseConflictError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.redshift.loader import LAST_PAUSE_S, MAX_CONFLICTS

pytestmark = pytest.mark.warehouse

MAIN = "tests.load_process:main"
LONG = "x" * (NOTE_BYTES + 1)


def assert_exact(loads: Loads) -> None:
    """Accepted rows = loaded rows + rejects, as sets, each once."""
    assert loads.rows() + _rejected(loads) == loads.accepted()
    assert loads.manifests() == []


class TestKills:
    @pytest.mark.parametrize("place", ["before", "after"])
    def test_at_every_statement(self, loads, launcher: Launcher, place):
        """One loader after the other is killed one statement later, until one gets through."""
        loads.lake.write(wide(0, 1), wide(1, 4))
        rows = [0]
        for statement in itertools.count(4):  # The first three only log in.
            crash = f"redshift.{place}_statement:{statement}"
            run = launcher.launch([loads.process()], main=MAIN, crash=crash)
            assert run.wait().code == -9
            rows.append(sum(loads.rows().values()))
            if rows[-1]:
                break
        assert statement > 20  # It came as far as the COMMIT.
        assert loads.rows() == loads.accepted()
        loads.lake.write(wide(4, 6))
        loads.load()
        assert_exact(loads)

    def test_while_refused_rows_are_looked_for(self, loads, launcher):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        crash = "redshift.after_statement:30"  # Past the first COPY.
        assert launcher.launch([loads.process()], main=MAIN, crash=crash).wait().code == -9
        assert not loads.rows()
        assert [result.rejected for result in loads.load()] == [1]
        assert loads.rows() + _rejected(loads) == loads.accepted()

    def test_a_frozen_loader_loses_the_lock_and_does_no_harm_when_it_wakes(
        self, loads, launcher, warehouse
    ):
        loads.lake.write(wide(0, 4))
        warehouse.redshift.limit_idling(1)
        try:
            crash = "redshift.after_statement:6:stop"  # It has the lock.
            frozen = launcher.launch([loads.process()], main=MAIN, crash=crash)
            frozen.wait_frozen()
        finally:
            warehouse.redshift.limit_idling(0)
        assert [result.loaded for result in loads.load()] == [4]
        frozen.wake()
        assert frozen.wait().code == 0
        assert_exact(loads)


def _rejected(loads: Loads) -> Counter[Row]:
    return Counter((p, o, r) for p, o, r, _ in loads.rejects())


class TestConnections:
    @pytest.mark.parametrize("action", ["drop_before", "drop_after"])
    @pytest.mark.parametrize("statement", ["lock", "copy", "update", "commit"])
    def test_one_that_is_lost_is_made_again(self, loads, warehouse, action, statement):
        loads.lake.write(wide(0, 3), wide(3, 5))
        warehouse.redshift.arm(f"^{statement}", action)
        assert [result.loaded for result in loads.load()] == [5]
        assert warehouse.redshift.fired()
        assert_exact(loads)

    def test_a_warehouse_that_is_down_is_waited_for(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.refuse_connections()
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            if len(pauses) == 5:
                loads.lake.write(wide(3, 6))  # The lake goes on.
                warehouse.redshift.clear()

        assert [result.loaded for result in loads.load(sleep=pause)] == [6]
        assert len(pauses) == 5
        assert max(pauses) <= LAST_PAUSE_S
        assert_exact(loads)

    def test_an_outage_that_outlasts_the_patience_is_told(self, loads, warehouse):
        warehouse.redshift.refuse_connections()
        with pytest.raises(WarehouseUnavailableError):
            loads.load(patience_s=0.0)

    def test_a_reboot_in_the_middle_is_survived(self, loads, warehouse):
        loads.lake.write(wide(0, 3))

        def reboot(sql):
            if sql.startswith("INSERT INTO") and DATASET in sql:
                warehouse.redshift.drop_connections()

        assert [r.loaded for r in loads.load(connect=_hooked(loads, reboot))] == [3]
        assert_exact(loads)


def _hooked(loads: Loads, hook):
    """Connects; the first session calls a hook before each statement."""

    def connect():
        session = loads.connect()
        run = session._run

        def hooked(sql, parameters, result):
            hook(sql)
            return run(sql, parameters, result)

        if not made:
            session._run = hooked
        made.append(session)
        return session

    made = []
    return connect


class TestConflicts:
    @pytest.mark.parametrize("statement", ["lock", "copy", "update", "commit"])
    def test_1023_three_times_in_a_row_is_begun_again(self, loads, warehouse, statement):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.arm(f"^{statement}", "error", times=3)
        pauses = []
        assert [result.loaded for result in loads.load(sleep=pauses.append)] == [3]
        assert len(pauses) == 3
        assert_exact(loads)

    def test_conflicts_without_end_are_told(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.arm("^lock", "error", times=1000)
        pauses = []
        with pytest.raises(WarehouseConflictError):
            loads.load(sleep=pauses.append)
        assert len(pauses) == MAX_CONFLICTS - 1

    def test_a_commit_that_silently_rolled_back_is_noticed(self, loads):
        loads.lake.write(wide(0, 3))
        turned = []

        def connect():
            session = loads.connect()
            run = session._run

            def lying(sql, parameters, result):
                if sql == "COMMIT" and not turned:
                    turned.append(sql)
                    sql = "ROLLBACK"
                return run(sql, parameters, result)

            session._run = lying
            return session

        assert [result.loaded for result in loads.load(connect=connect)] == [3]
        assert turned
        assert_exact(loads)

    def test_a_fence_that_somebody_moves_meanwhile_rolls_back(self, loads):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.lake.write(wide(3, 5))

        def connect():
            session = loads.connect()
            run = session._run

            def meddled(sql, parameters, result):
                if sql.startswith("UPDATE"):
                    run(f'UPDATE "{loads.schema}".load_fences SET fence = 4', (), result)
                return run(sql, parameters, result)

            session._run = meddled
            return session

        with pytest.raises(WarehouseError, match="0 fences of 1"):
            loads.load(connect=connect)
        assert sum(loads.rows().values()) == 3


class TestTwoLoaders:
    def test_at_once_they_load_everything_once(self, loads):
        failures = []

        def load():
            try:
                for _ in range(6):
                    loads.load(rows=4, sleep=lambda _: None)
            except PipelineError as error:
                failures.append(error)

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for start in range(0, 40, 4):
            notes = ["a", LONG, "b", "c"] if start == 20 else None
            loads.lake.write(wide(start, start + 4, notes=notes))
        for thread in threads:
            thread.join(60)
        assert not failures
        loads.load()
        assert_exact(loads)
        numbers = [n for (n,) in loads.all("select load_id from {}.load_history order by 1")]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_a_commit_that_comes_while_a_load_runs_is_for_the_next(self, loads):
        loads.lake.write(wide(0, 3))
        coming = [wide(3, 5)]

        def hook(sql):
            if sql.startswith("COPY"):
                loads.lake.write(*coming)
                coming.clear()

        assert [r.loaded for r in loads.load(connect=_hooked(loads, hook))] == [3, 2]
        assert_exact(loads)


class TestFiles:
    @pytest.mark.parametrize("what", ["missing", "of another size"])
    def test_one_that_is_not_as_committed_stops_the_load_until_it_is_back(self, loads, what):
        loads.lake.write(wide(0, 1), wide(1, 3))
        file = loads.lake_files()[-1]
        body = loads.store.get(file.key)
        loader = loads.loader()
        loader._task.layouts.schema(file.layout, file)  # So that COPY is the first to notice.
        if what == "missing":
            loads.store.delete([file.key])
        else:
            loads.store.put(file.key, body + b"x")
        with pytest.raises(WarehouseError, match=r"Mandatory url|File size"):
            list(loader.load())
        assert not loads.rows()
        loads.store.put(file.key, body)
        assert [result.loaded for result in loads.load()] == [3]
        assert_exact(loads)
