"""The loader when its warehouse or its files fail: nothing lost, nothing twice."""

import pytest

from tests.fakes.lake import DATASET
from tests.loads import LONG, wide
from tests.statements import first_changed, first_hooked
from transforms.errors import (
    WarehouseConflictError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.redshift import Session, client
from transforms.redshift.loader import LAST_PAUSE_S, MAX_CONFLICTS

pytestmark = pytest.mark.warehouse

#: What a minute's outage is to a loader whose clock the test turns.
MINUTE_S = 60.0


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
            loaded = loads.load(
                connect=first_hooked(loads.connect, turn), monotonic=lambda: clock[0]
            )
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

        assert [r.loaded for r in loads.load(connect=first_hooked(loads.connect, reboot))] == [3]
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

        loaded = loads.load(connect=first_hooked(loads.connect, kill), sleep=restart)
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

        assert [
            result.loaded for result in loads.load(connect=first_changed(loads.connect, lie))
        ] == [3]
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
            loads.load(connect=first_changed(loads.connect, meddle))
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
