"""What the loader takes for granted of Amazon Redshift."""

import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from transforms.errors import WarehouseConflictError, WarehouseError, WarehouseUnavailableError
from transforms.redshift import connect
from transforms.redshift.sql import quoted

pytestmark = pytest.mark.real_redshift


@pytest.fixture(scope="module")
def login(real):
    """Opens sessions beside the suite's own."""
    return lambda **changes: connect(replace(real.settings, **changes))


@pytest.fixture(scope="module")
def table(real, session) -> str:
    schema = f"{real.settings.schema}_premises"
    session.execute(f"CREATE SCHEMA {quoted(schema)}")
    session.execute(f"CREATE TABLE {quoted(schema)}.t (a INTEGER, v VARCHAR(3))")
    session.execute(f"INSERT INTO {quoted(schema)}.t VALUES (0, 'x')")
    return f"{quoted(schema)}.t"


def test_what_is_read_after_lock_is_what_others_committed_before(login, table):
    """LOCK takes no snapshot: the loader's fences would be stale otherwise."""
    found = []

    def load():
        with closing(login()) as session:
            session.execute("BEGIN")
            session.execute(f"LOCK {table}")
            found.extend(session.query(f"SELECT COUNT(*) FROM {table}"))
            session.execute("ROLLBACK")

    with closing(login()) as holder:
        before = holder.query(f"SELECT COUNT(*) FROM {table}")[0][0]
        holder.execute("BEGIN")
        holder.execute(f"LOCK {table}")
        waiting = threading.Thread(target=load)
        waiting.start()
        time.sleep(1)  # Nothing that all users may read tells that it waits.
        assert not found
        holder.execute(f"INSERT INTO {table} VALUES (1, 'y')")
        holder.execute("COMMIT")
        waiting.join(60)
    assert found == [(before + 1,)]


def test_of_two_writers_of_a_row_one_conflicts(login, table):
    with closing(login()) as first, closing(login()) as second:
        for session in (first, second):
            session.execute("BEGIN")
            session.query(f"SELECT COUNT(*) FROM {table}")
        first.execute(f"UPDATE {table} SET a = a + 1 WHERE v = 'x'")
        first.execute("COMMIT")
        with pytest.raises(WarehouseConflictError):
            second.execute(f"UPDATE {table} SET a = a + 1 WHERE v = 'x'")
        second.abandon()


def test_a_statement_that_waits_too_long_for_the_lock_is_ended(login, table):
    with closing(login()) as holder:
        holder.execute("BEGIN")
        holder.execute(f"LOCK {table}")
        with closing(login(statement_timeout_s=2)) as other:
            other.execute("BEGIN")
            with pytest.raises(WarehouseUnavailableError, match="statement_timeout"):
                other.execute(f"LOCK {table}")
        holder.abandon()


def test_temporary_tables_go_with_the_transaction(session):
    session.execute("BEGIN")
    session.execute("CREATE TEMP TABLE pharmabeam_premise (a INTEGER)")
    session.execute("ROLLBACK")
    with pytest.raises(WarehouseError):
        session.query("SELECT * FROM pharmabeam_premise")


def test_a_length_grows_outside_of_a_transaction_alone(session, table):
    widen = f"ALTER TABLE {table} ALTER COLUMN v TYPE VARCHAR(9)"
    session.execute("BEGIN")
    with pytest.raises(WarehouseError):
        session.execute(widen)
    session.abandon()
    session.execute(widen)
    session.execute(widen)  # Twice, it changes nothing.


def test_rowcounts_are_told(session, table):
    assert session.execute(f"INSERT INTO {table} SELECT 7, 'z' UNION ALL SELECT 8, 'z'") == 2
    assert session.execute(f"UPDATE {table} SET a = 9 WHERE v = 'z'") == 2
    assert session.execute(f"DELETE FROM {table} WHERE v = 'z'") == 2
