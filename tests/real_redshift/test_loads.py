"""The loader on a real cluster: refused rows, lost replies, two at once, other lakes."""

import threading

import pytest

from tests.loads import LONG, wide
from tests.statements import changed
from transforms.errors import LakeMismatchError, WarehouseError, WarehouseUnavailableError
from transforms.redshift import forget

pytestmark = pytest.mark.real_redshift


def test_values_of_all_types_arrive(loads):
    loads.lake.write(wide(0, 4))
    loads.load()
    columns = "note, price, number, event_time, _timestamp, _load_id"
    found = loads.all(f"select {columns} from {{}}.raw_order where _offset = 3")
    assert [str(value) for value in found[0]] == [
        *("é3", "0.03", "3", "2026-01-31 00:00:00.003000", "2026-01-31 00:00:00.003000", "1")
    ]
    loads.assert_exact()


def test_rows_that_copy_refuses_are_recorded_and_the_rest_is_loaded(loads):
    loads.lake.write(wide(0, 5, notes=["a", LONG, "b", None, LONG + "é"]))
    assert [(r.loaded, r.rejected) for r in loads.load()] == [(3, 2)]
    assert [reason for *_, reason in loads.rejects()] == ["too_long:note"] * 2
    loads.assert_exact()


def test_files_of_an_older_layout_load_by_name(loads):
    older = wide(0, 4)
    table = older.rows["order"].drop_columns(["codes"])
    loads.lake.write(older.with_rows("order", table), wide(4, 6))
    assert [result.loaded for result in loads.load()] == [6]
    loads.assert_exact()


def test_a_commit_whose_reply_is_lost_is_not_repeated(loads):
    loads.lake.write(wide(0, 3))
    lost = []

    def connect():
        session = loads.connect()

        def lose(run, sql, *more):
            found = run(sql, *more)
            if sql == "COMMIT" and not lost:
                lost.append(sql)
                session.cut()
                raise WarehouseUnavailableError("the reply was lost")
            return found

        return changed(session, lose)

    assert [result.loaded for result in loads.load(connect=connect)] == [3]
    assert lost
    loads.assert_exact()


def test_two_loaders_at_once_load_everything_once(loads):
    loads.lake.write(*(wide(n, n + 2) for n in range(0, 12, 2)))
    failures = []

    def load():
        try:
            loads.load(rows=4, patience_s=120.0)
        except WarehouseError as error:
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    loads.assert_exact()


def test_a_file_that_is_missing_or_of_another_size_stops_the_load(loads):
    loads.lake.write(wide(0, 1), wide(1, 3))
    file = loads.lake_files()[-1]
    body = loads.store.get(file.key)
    loads.store.delete([file.key])
    with pytest.raises((WarehouseError, WarehouseUnavailableError)):
        loads.load(patience_s=0.0)
    loads.store.put(file.key, body + b"x")
    with pytest.raises(WarehouseError):
        loads.load(patience_s=0.0)
    loads.store.put(file.key, body)
    loads.load()
    loads.assert_exact()


def test_another_lake_is_refused(loads):
    loads.lake.write(wide(0, 3))
    loads.load()
    loads.begin_lake(lake_id="lake-2")
    with pytest.raises(LakeMismatchError):
        loads.load()


def test_a_table_that_was_restored_alone_is_refused_until_it_is_rebuilt(loads, session):
    for _ in range(2):
        loads.grow(3)
        loads.load()
    loads.run("delete from {}.raw_order where _load_id = 2")
    loads.grow(3)
    with pytest.raises(LakeMismatchError):
        loads.load()
    forget(session, loads.statements, "raw_order")
    loads.load()
    loads.assert_exact()
