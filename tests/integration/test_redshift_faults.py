"""The stand-in when things go wrong: conflicts, faults, kills, and what a large COPY takes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import psycopg
import pyarrow as pa
import pytest
import redshift_connector

from runners.local._processes import wait_until
from tests.warehouse import Warehouse, code_of

pytestmark = pytest.mark.warehouse


@pytest.fixture
def table(warehouse):
    return warehouse.table("(a int)")


def numbers(count: int = 3) -> pa.Table:
    return pa.table({"a": pa.array(range(count), pa.int32())})


def waits_for_lock(warehouse: Warehouse) -> bool:
    return warehouse.all("select count(*) from svv_transactions where not granted")[0][0] > 0


class TestConflicts:
    def test_of_two_writers_of_a_row_one_gets_1023(self, warehouse, table):
        warehouse.run(f"insert into {table} values (1)")
        first, second = warehouse.connect(), warehouse.connect()
        warehouse.all("select 1", second)
        for connection in (first, second):
            connection.cursor().execute("begin")
            warehouse.all(f"select * from {table}", connection)
        first.cursor().execute(f"update {table} set a = 2")
        first.commit()
        with pytest.raises(redshift_connector.Error) as caught:
            second.cursor().execute(f"update {table} set a = 3")
        error = caught.value.args[0]
        assert (error["C"], error["M"]) == ("XX000", "1023")
        assert error["D"].startswith("Serializable isolation violation on table")

    def test_what_is_read_after_lock_is_what_others_committed_before(self, warehouse, table):
        """LOCK takes no snapshot, so a loader that begins with it sees the truth."""
        holder = warehouse.connect()
        holder.cursor().execute(f"lock {table}")
        found = []

        def load():
            with warehouse.connect() as connection, connection.cursor() as cursor:
                cursor.execute(f"lock {table}")
                cursor.execute(f"select count(*) from {table}")
                found.extend(cursor.fetchone())

        waiting = threading.Thread(target=load)
        waiting.start()
        assert wait_until(lambda: waits_for_lock(warehouse), timeout=20)
        holder.cursor().execute(f"insert into {table} values (1)")
        holder.commit()
        waiting.join(20)
        assert found == [1]

    def test_a_statement_that_waits_too_long_is_ended(self, warehouse, table):
        holder, other = warehouse.connect(), warehouse.connect()
        holder.cursor().execute(f"lock {table}")
        other.cursor().execute("set statement_timeout to 50")
        with pytest.raises(redshift_connector.Error) as caught:
            other.cursor().execute(warehouse.copy_sql(table, numbers()))
        assert code_of(caught.value) == "57014"

    def test_a_session_that_idles_too_long_loses_its_lock(self, warehouse, table):
        warehouse.redshift.limit_idling(1)
        try:
            frozen = warehouse.connect()
        finally:
            warehouse.redshift.limit_idling(0)
        frozen.cursor().execute(f"lock {table}")
        # Granted when the other's session has been ended.
        warehouse.connect().cursor().execute(f"lock {table}")
        with pytest.raises(redshift_connector.Error):
            frozen.cursor().execute("select 1")

    def test_a_server_that_starts_with_a_limit_does_not_end_its_own_session(self, warehouse):
        warehouse.redshift.limit_idling(1)
        warehouse.redshift.restart()
        first = warehouse.psycopg(autocommit=True)
        # It is ended for idling, and what the gateway itself needs has idled for longer.
        with pytest.raises(psycopg.Error):
            next(first.notifies(timeout=10))
        warehouse.redshift.limit_idling(0)
        assert warehouse.connect()


class TestCancel:
    def test_a_copy_is_cancelled_and_the_session_goes_on(self, warehouse, table):
        holder = warehouse.connect()
        holder.cursor().execute(f"lock {table}")
        copy = warehouse.copy_sql(table, numbers())
        connection = warehouse.psycopg(autocommit=True)
        canceller = threading.Thread(
            target=lambda: (
                wait_until(lambda: waits_for_lock(warehouse), timeout=20),
                connection.cancel_safe(),
            )
        )
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(copy)
        canceller.join()
        holder.rollback()
        connection.execute(copy)
        assert warehouse.count(table) == 3


class TestFaults:
    @pytest.mark.parametrize(("action", "rows"), [("drop_before", 0), ("drop_after", 3)])
    def test_a_commit_whose_reply_is_lost_has_taken_effect_or_not(
        self, warehouse, table, action, rows
    ):
        connection = warehouse.connect()
        connection.cursor().execute(warehouse.copy_sql(table, numbers()))
        warehouse.redshift.arm("^commit", action)
        with pytest.raises(redshift_connector.Error):
            connection.commit()
        assert warehouse.count(table) == rows

    def test_a_copy_can_take_effect_without_a_reply_too(self, warehouse, table):
        connection = warehouse.psycopg(autocommit=True)
        warehouse.redshift.arm("^copy", "drop_after")
        with pytest.raises(psycopg.OperationalError):
            connection.execute(warehouse.copy_sql(table, numbers()))
        assert warehouse.count(table) == 3

    def test_an_error_comes_as_often_as_it_is_armed_and_aborts(self, warehouse, table):
        warehouse.redshift.arm("^commit", "error", times=2)
        connection = warehouse.connect()
        for attempt in range(3):
            connection.cursor().execute(f"insert into {table} values ({attempt})")
            if attempt == 2:
                connection.commit()
                continue
            with pytest.raises(redshift_connector.Error) as caught:
                connection.commit()
            assert caught.value.args[0]["M"] == "1023"
            connection.rollback()
        assert warehouse.all(f"select a from {table}") == [[2]]

    def test_the_next_copy_fails_with_the_error_given(self, warehouse, table):
        warehouse.redshift.arm("^copy", "error", code="XX000", message="S3ServiceException: x")
        copy = warehouse.copy_sql(table, numbers())
        with pytest.raises(redshift_connector.Error, match="S3ServiceException: x"):
            warehouse.run(copy)
        warehouse.run(copy)
        assert warehouse.count(table) == 3

    def test_connections_are_refused_and_cut(self, warehouse):
        connection = warehouse.connect()
        warehouse.redshift.refuse_connections()
        with pytest.raises(redshift_connector.Error):
            warehouse.connect()
        warehouse.redshift.drop_connections()
        with pytest.raises(redshift_connector.Error):
            connection.cursor().execute("select 1")
        warehouse.redshift.clear()
        assert warehouse.all("select 1") == [[1]]

    def test_a_frozen_statement_goes_on_when_the_faults_are_cleared(self, warehouse, table):
        warehouse.redshift.arm("^insert", "freeze")
        connection = warehouse.psycopg(autocommit=True)
        insert = threading.Thread(
            target=lambda: connection.execute(f"insert into {table} values (1)")
        )
        fired = warehouse.redshift.fired()
        insert.start()
        assert wait_until(lambda: warehouse.redshift.fired() > fired, timeout=20)
        assert warehouse.count(table) == 0
        warehouse.redshift.clear()
        insert.join(20)
        assert warehouse.count(table) == 1

    def test_an_unknown_action_is_refused(self, warehouse):
        with pytest.raises(ValueError, match="field action"):
            warehouse.redshift.arm("x", "explode")


WIDE = 1_000
LOADER = """
    import sys, psycopg
    connection = psycopg.connect(sys.argv[1])
    connection.execute(sys.argv[2])
"""


def wide(count: int) -> pa.Table:
    """Rows that are nothing as Parquet and a kilobyte each on the way to PostgreSQL."""
    return pa.table({"v": pa.array(["x" * WIDE] * count)})


class TestLargeCopies:
    @pytest.fixture
    def copy(self, warehouse):
        """The COPY of 200 MB into a new table, and the table."""
        table = warehouse.table(f"(v varchar({WIDE}))")
        return warehouse.copy_sql(table, wide(100_000), wide(100_000)), table

    def test_memory_does_not_grow_with_what_is_loaded(self, warehouse, copy):
        sql, table = copy
        third = warehouse.copy_sql(table, wide(70_000))

        def peak() -> int:
            status = Path(f"/proc/{warehouse.redshift.pid}/status").read_text()
            return int(status.partition("VmHWM:")[2].split()[0]) // 1024

        warehouse.run(third)
        before = peak()
        warehouse.run(sql)
        assert warehouse.all("select pg_last_copy_count()") == [[200_000]]
        assert peak() - before < 50

    def test_two_at_once_are_both_loaded(self, warehouse):
        tables = [warehouse.table(f"(v varchar({WIDE}))") for _ in range(2)]
        copies = [warehouse.copy_sql(table, wide(20_000)) for table in tables]
        connections = [warehouse.psycopg(autocommit=True) for _ in tables]
        threads = [
            threading.Thread(target=connection.execute, args=(copy,))
            for connection, copy in zip(connections, copies, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [warehouse.count(table) for table in tables] == [20_000, 20_000]

    def test_a_client_killed_in_the_middle_leaves_nothing(self, warehouse, copy):
        sql, table = copy
        address = warehouse.psycopg().info
        loader = subprocess.Popen(
            [
                sys.executable,
                "-c",
                textwrap.dedent(LOADER),
                f"{address.dsn} password={address.password}",
                sql,
            ]
        )
        locks = (
            "select count(*) > 0 from svv_transactions t join pg_class c on t.relation = c.oid "
            f"where c.relname = '{table}'"
        )
        assert wait_until(lambda: warehouse.all(locks) == [[True]], timeout=30, interval=0.01)
        loader.kill()
        loader.wait()
        assert wait_until(lambda: warehouse.all(locks) == [[False]], timeout=30)
        # Nobody holds a lock any more.
        next_loader = warehouse.connect()
        next_loader.cursor().execute(f"lock {table}")
        next_loader.rollback()
        assert warehouse.count(table) == 0


class TestServer:
    def test_what_is_committed_survives_a_kill_and_nothing_else_does(self, warehouse, table):
        warehouse.run(f"insert into {table} values (1)")
        other = warehouse.connect()
        other.cursor().execute(f"insert into {table} values (2)")
        warehouse.redshift.kill()
        warehouse.redshift.restart()
        with warehouse.connect() as connection:
            assert warehouse.all(f"select a from {table}", connection) == [[1]]

    def test_postgresql_ends_with_the_gateway_even_if_that_is_killed(self, warehouse):
        gateway = psutil.Process(warehouse.redshift.pid)
        children = gateway.children(recursive=True)
        assert len(children) > 1
        os.kill(gateway.pid, signal.SIGKILL)
        assert wait_until(lambda: not any(each.is_running() for each in children), timeout=20)
        warehouse.redshift.restart()
        with warehouse.connect() as connection:
            assert warehouse.all("select 1", connection) == [[1]]
