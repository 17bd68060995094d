"""The loader when things go wrong: nothing lost, nothing twice, whatever ends it, wherever."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.fakes.lake import DATASET
from tests.launcher import Launcher
from tests.loads import NOTE_BYTES, TABLE, Loads, wide
from transforms.errors import (
    PipelineError,
    WarehouseConflictError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.redshift import Session, client
from transforms.redshift.loader import LAST_PAUSE_S, MAX_CONFLICTS

pytestmark = pytest.mark.warehouse

MAIN = "tests.load_process:main"
LONG = "x" * (NOTE_BYTES + 1)
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
#: What a minute's outage is to a loader whose clock the test turns.
MINUTE_S = 60.0


@pytest.fixture
def twin(loads) -> Loads:
    """Another lake and schema, in which the same statements can be tried out first."""
    return Loads(loads.warehouse, loads.s3, f"{loads.root}-twin", f"{loads.schema}_twin").begin()


@pytest.fixture
def armed(warehouse) -> Callable[..., AbstractContextManager[None]]:
    """Arms a fault for a block, in which it must happen as often as it is armed."""

    @contextmanager
    def arm(match: str, action: str, **fields: Any) -> Iterator[None]:
        before = warehouse.redshift.fired()
        warehouse.redshift.arm(match, action, **fields)
        yield
        assert warehouse.redshift.fired() - before == fields.get("times", 1)

    return arm


def sent_by(loads: Loads) -> list[str]:
    """Loads what is new; returns each statement, from the login on."""
    sent = []
    run = Session._run

    def recorded(self, sql, parameters, result):
        sent.append(sql)
        return run(self, sql, parameters, result)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_run", recorded)
        loads.load()
    return sent


def changed(loads: Loads, change: Callable[..., Any]) -> Callable[[], Session]:
    """Connects; in the first session ``change(run, sql, *more)`` stands for each statement."""
    made = []

    def connect() -> Session:
        session = loads.connect()
        run = session._run
        if not made:
            session._run = lambda sql, *more: change(run, sql, *more)
        made.append(session)
        return session

    return connect


def hooked(loads: Loads, hook: Callable[[str], None]) -> Callable[[], Session]:
    """Connects; the first session calls a hook before each statement."""

    def change(run, sql, *more):
        hook(sql)
        return run(sql, *more)

    return changed(loads, change)


class TestKills:
    @pytest.mark.parametrize("place", ["before", "after"])
    def test_at_every_statement(self, loads, launcher: Launcher, place):
        """One loader after the other is killed one statement later, until one comes to its end."""
        code = -9
        for statement in itertools.count(4):  # The first three only log in.
            before = loads.rows()
            if before == loads.accepted():
                loads.grow(3)
            crash = f"redshift.{place}_statement:{statement}"
            code = launcher.launch([loads.process()], main=MAIN, crash=crash).wait().code
            if (rows := loads.rows()) != before:
                assert rows == loads.accepted()
                assert loads.breaches() == []
            if code == 0:
                break
            assert code == -9
        # Those killed past their COMMIT had loaded something, too.
        assert len(loads.all("select distinct load_id from {}.load_history")) > 3
        loads.grow(2)
        loads.load()
        loads.assert_exact()

    def test_at_every_change_of_a_load_with_refused_rows(self, loads, twin, launcher):
        for each in (loads, twin):
            each.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        sent = sent_by(twin)
        commit = sent.index("COMMIT")
        begin = commit - sent[commit::-1].index("BEGIN")
        changes = [n for n in range(begin, commit + 1) if not sent[n].startswith("SELECT")]
        for statement in (*changes, commit + 1):
            crash = f"redshift.before_statement:{statement + 1}"
            assert [len(loads.rows()), len(loads.rejects())] == [0, 0]
            assert launcher.launch([loads.process()], main=MAIN, crash=crash).wait().code == -9
        # The last one was killed past its COMMIT.
        assert [len(loads.rows()), len(loads.rejects())] == [2, 1]
        assert loads.breaches() == []

    def test_while_refused_rows_are_looked_for(self, loads, twin, launcher):
        for each in (loads, twin):
            each.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        sent = sent_by(twin)
        copies = [n for n, sql in enumerate(sent) if sql.startswith("COPY")]
        assert len(copies) > 2  # The first failed, others were tried.
        crash = f"redshift.before_statement:{copies[1] + 1}"
        assert launcher.launch([loads.process()], main=MAIN, crash=crash).wait().code == -9
        assert not loads.rows()
        assert [result.rejected for result in loads.load()] == [1]
        left = [key for key in loads.manifests() if "/tries/" not in key]
        assert loads.breaches() == left == []

    @pytest.mark.parametrize("before", ["SELECT lake_id", "COMMIT"])
    def test_a_frozen_loader_loses_the_lock_and_does_no_harm_when_it_wakes(
        self, loads, twin, launcher, warehouse, before
    ):
        for each in (loads, twin):
            each.lake.write(wide(0, 4))
        (statement, *_) = (n for n, s in enumerate(sent_by(twin)) if s.startswith(before))
        warehouse.redshift.limit_idling(1)
        try:
            crash = f"redshift.before_statement:{statement + 1}:stop"
            frozen = launcher.launch([loads.process()], main=MAIN, crash=crash)
            frozen.wait_frozen()
        finally:
            warehouse.redshift.limit_idling(0)
        assert [result.loaded for result in loads.load()] == [4]
        frozen.wake()
        assert frozen.wait().code == 0
        loads.assert_exact()


class TestConnections:
    @pytest.mark.parametrize("action", ["drop_before", "drop_after"])
    @pytest.mark.parametrize("statement", ["lock", "copy", "insert", "update", "commit"])
    def test_one_that_is_lost_is_made_again(self, loads, armed, action, statement):
        loads.lake.write(wide(0, 3), wide(3, 5))
        with armed(f"^{statement}", action):
            assert [result.loaded for result in loads.load()] == [5]
        loads.assert_exact()

    def test_a_minute_of_outage_is_waited_out_while_the_lake_goes_on(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.refuse_connections()
        clock, pauses = [0.0], []

        def pause(seconds):
            pauses.append(seconds)
            clock[0] += seconds
            if clock[0] > MINUTE_S:
                loads.grow(3)
                warehouse.redshift.clear()

        loaded = loads.load(sleep=pause, monotonic=lambda: clock[0], patience_s=2 * MINUTE_S)
        assert [result.loaded for result in loaded] == [6]
        assert max(pauses) <= LAST_PAUSE_S
        loads.assert_exact()

    def test_a_load_that_takes_longer_than_the_patience_is_tried_again(self, loads, armed):
        loads.lake.write(wide(0, 3))
        clock = [0.0]

        def turn(_):
            clock[0] += MINUTE_S

        with armed("^commit", "drop_before"):
            loaded = loads.load(connect=hooked(loads, turn), monotonic=lambda: clock[0])
        assert [result.loaded for result in loaded] == [3]
        loads.assert_exact()

    def test_an_outage_that_outlasts_the_patience_is_told_and_the_next_load_catches_up(
        self, loads, warehouse
    ):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.refuse_connections()
        with pytest.raises(WarehouseUnavailableError):
            loads.load(patience_s=0.0)
        loads.lake.write(wide(3, 6))
        warehouse.redshift.clear()
        assert [result.loaded for result in loads.load()] == [6]
        loads.assert_exact()

    def test_a_reboot_in_the_middle_is_survived(self, loads, warehouse):
        loads.lake.write(wide(0, 3))

        def reboot(sql):
            if sql.startswith("INSERT INTO") and DATASET in sql:
                warehouse.redshift.drop_connections()

        assert [r.loaded for r in loads.load(connect=hooked(loads, reboot))] == [3]
        loads.assert_exact()

    def test_a_warehouse_that_is_killed_in_the_middle_and_comes_back_is_survived(
        self, loads, warehouse
    ):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.lake.write(wide(3, 6))

        def kill(sql):
            if sql == "COMMIT":
                warehouse.redshift.kill()

        def restart(_):
            if not warehouse.redshift.is_alive():
                loads.grow(2)
                warehouse.redshift.restart()
                warehouse.close()  # The test's own connections are gone, too.

        loaded = loads.load(connect=hooked(loads, kill), sleep=restart)
        assert [result.loaded for result in loaded] == [5]
        loads.assert_exact()

    @pytest.mark.parametrize("statement", ["copy", "commit"])
    def test_one_that_falls_silent_is_given_up(self, loads, armed, monkeypatch, statement):
        loads.lake.write(wide(0, 3))
        monkeypatch.setattr(client, "_MARGIN_S", 0)

        def connect() -> Session:
            return loads.connect(statement_timeout_s=1)

        with armed(f"^{statement}", "freeze"):
            assert [result.loaded for result in loads.load(connect=connect)] == [3]
        loads.assert_exact()

    def test_who_waits_too_long_for_the_lock_is_told_where_to_look(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        holder = warehouse.connect()
        holder.cursor().execute(f"lock {loads.schema}.load_lock")
        with pytest.raises(WarehouseUnavailableError) as caught:
            loads.load(connect=lambda: loads.connect(statement_timeout_s=1), patience_s=0.0)
        assert "warehouse status" in caught.value.remedy
        holder.rollback()
        loads.load()
        loads.assert_exact()


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


class TestConflicts:
    @pytest.mark.parametrize("statement", ["lock", "copy", "insert", "update", "commit"])
    def test_1023_three_times_in_a_row_is_begun_again(self, loads, armed, statement):
        loads.lake.write(wide(0, 3))
        pauses = []
        with armed(f"^{statement}", "error", times=3):
            assert [result.loaded for result in loads.load(sleep=pauses.append)] == [3]
        assert len(pauses) == 3
        loads.assert_exact()

    def test_conflicts_without_end_are_told(self, loads, warehouse):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.arm("^lock", "error", times=1000)
        pauses = []
        with pytest.raises(WarehouseConflictError):
            loads.load(sleep=pauses.append)
        assert len(pauses) == MAX_CONFLICTS - 1
        assert not loads.rows()

    def test_a_commit_that_silently_rolled_back_is_noticed(self, loads):
        loads.lake.write(wide(0, 3))
        turned = []

        def lie(run, sql, *more):
            if sql == "COMMIT" and not turned:
                turned.append(sql)
                sql = "ROLLBACK"
            return run(sql, *more)

        assert [result.loaded for result in loads.load(connect=changed(loads, lie))] == [3]
        assert turned
        loads.assert_exact()

    def test_a_fence_that_somebody_moves_meanwhile_rolls_back(self, loads):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.lake.write(wide(3, 5))

        def meddle(run, sql, *more):
            if sql.startswith("UPDATE"):
                run(f'UPDATE "{loads.schema}".load_fences SET fence = 4', (), more[-1])
            return run(sql, *more)

        with pytest.raises(WarehouseError, match="0 fences of 1"):
            loads.load(connect=changed(loads, meddle))
        assert sum(loads.rows().values()) == 3
        loads.load()
        loads.assert_exact()

    def test_fences_that_somebody_doubles_are_refused(self, loads):
        loads.lake.write(wide(0, 3))
        loads.load()
        loads.run("insert into {}.load_fences select * from {}.load_fences")
        loads.lake.write(wide(3, 5))
        with pytest.raises(WarehouseError, match="two rows of"):
            loads.load()
        assert sum(loads.rows().values()) == 3


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

        assert [r.loaded for r in loads.load(connect=hooked(loads, hook))] == [3, 2]
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

        first, *others = [result.loaded for result in loads.load(connect=hooked(loads, hook))]
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

        assert [r.loaded for r in loads.load(connect=hooked(loads, hook))] == [2]
        assert [result.loaded for result in loaded] == [2]
        loads.assert_exact()
        other.assert_exact()


class TestFiles:
    @pytest.mark.parametrize("what", ["missing", "of another size"])
    def test_one_that_is_not_as_committed_stops_the_load_until_it_is_back(self, loads, what):
        loads.lake.write(wide(0, 1), wide(1, 3))
        file = loads.lake_files()[-1]
        body = loads.store.get(file.key)
        if what == "missing":
            loads.store.delete([file.key])
        else:
            loads.store.put(file.key, body + b"x")
        with pytest.raises(WarehouseError, match=r"Mandatory url|File size"):
            loads.load()
        assert not loads.rows()
        loads.store.put(file.key, body)
        assert [result.loaded for result in loads.load()] == [3]
        loads.assert_exact()

    def test_copies_of_refused_rows_that_somebody_deletes_are_made_again(self, loads, armed):
        loads.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        loader = loads.loader(sleep=lambda _: loads.store.delete(loads.manifests()))
        with armed("^commit", "error"), pytest.raises(WarehouseError, match="Mandatory url"):
            list(loader.load())
        assert [(r.loaded, r.rejected) for r in loader.load()] == [(2, 1)]
        loads.assert_exact()

    def test_a_lake_that_copy_can_not_read_rejects_nothing(self, loads, armed):
        loads.lake.write(wide(0, 3))
        detail = "code: 15001 context: Forbidden: HTTP response error code: 403 AccessDenied"
        fault = {"message": "Spectrum Scan Error", "detail": detail}
        with armed("^copy", "error", **fault), pytest.raises(WarehouseUnavailableError) as caught:
            loads.load(patience_s=0.0)
        assert "s3:GetObject" in caught.value.remedy
        with armed("^copy", "error", times=2, **fault):
            assert [(r.loaded, r.rejected) for r in loads.load()] == [(3, 0)]
        loads.assert_exact()

    def test_a_copy_that_refuses_all_rows_for_reasons_of_its_own_rejects_nothing(
        self, loads, warehouse
    ):
        loads.lake.write(wide(0, 3))
        warehouse.redshift.arm("^copy", "error", times=1000, message="Spectrum Scan Error")
        with pytest.raises(WarehouseError, match="COPY refuses each of"):
            loads.load()
        warehouse.redshift.clear()
        assert [(r.loaded, r.rejected) for r in loads.load()] == [(3, 0)]
        assert loads.breaches() == []
