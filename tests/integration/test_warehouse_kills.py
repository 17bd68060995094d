"""A loader that is killed or frozen, at any statement: nothing lost, nothing twice."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.launcher import Launcher
from tests.loads import LONG, Loads, wide
from tests.statements import recorded
from tests.warehouse import Warehouse

pytestmark = pytest.mark.warehouse

MAIN = "tests.load_process:main"


@pytest.fixture
def twin(loads, beside) -> Loads:
    """Another lake and schema, in which the same statements can be tried out first or at once."""
    return Loads(beside, loads.s3, f"{loads.root}-twin", f"{loads.schema}_twin").begin()


@pytest.fixture
def spare(loads) -> Loads:
    """A third one."""
    return Loads(loads.warehouse, loads.s3, f"{loads.root}-spare", f"{loads.schema}_spare").begin()


@pytest.fixture
def beside(warehouse) -> Iterator[Warehouse]:
    """A connection of its own, for another thread."""
    with closing(Warehouse(warehouse.redshift, warehouse.bucket, None)) as found:
        yield found


def sent_by(loads: Loads) -> list[str]:
    """Loads what is new; returns each statement, from the login on."""
    with recorded() as sent:
        loads.load()
    return sent


def killed_at_every_statement(place: str, loads: Loads, launcher: Launcher) -> None:
    """One loader after the other is killed one statement later, until one comes to its end."""
    code, accepted = -9, loads.accepted()
    for statement in itertools.count(4):  # The first three only log in.
        before = loads.rows()
        if before == accepted:
            loads.grow(3)
            accepted = loads.accepted()
        crash = f"redshift.{place}_statement:{statement}"
        code = launcher.launch([loads.process()], main=MAIN, crash=crash).wait().code
        if (rows := loads.rows()) != before:
            assert rows == accepted
            assert loads.breaches() == []
        if code == 0:
            break
        assert code == -9
    # Those killed past their COMMIT had loaded something, too.
    assert len(loads.all("select distinct load_id from {}.load_history")) > 3
    loads.grow(2)
    loads.load()
    loads.assert_exact()


def at_once(*calls: Callable[[], None]) -> None:
    """The longest tests do their work in two schemas: most of it is that of other processes."""
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(call) for call in calls]
    for run in runs:
        run.result()


class TestKills:
    def test_at_every_statement(self, loads, twin, launcher: Launcher):
        at_once(
            lambda: killed_at_every_statement("before", loads, launcher),
            lambda: killed_at_every_statement("after", twin, launcher),
        )

    def test_at_every_change_of_a_load_with_refused_rows(self, loads, twin, spare, launcher):
        for each in (loads, twin, spare):
            each.lake.write(wide(0, 3, notes=["a", LONG, "b"]))
        sent = sent_by(spare)
        commit = sent.index("COMMIT")
        begin = commit - sent[commit::-1].index("BEGIN")
        changes = [n for n in range(begin, commit + 1) if not sent[n].startswith("SELECT")]

        def kill(each: Loads, *statements: int) -> None:
            for statement in statements:
                assert [len(each.rows()), len(each.rejects())] == [0, 0]
                crash = f"redshift.before_statement:{statement + 1}"
                assert launcher.launch([each.process()], main=MAIN, crash=crash).wait().code == -9

        at_once(
            lambda: kill(loads, *changes[::2], commit + 1),
            lambda: kill(twin, *changes[1::2], commit + 1),
        )
        # The last ones were killed past their COMMIT.
        for each in (loads, twin):
            assert [len(each.rows()), len(each.rejects())] == [2, 1]
            assert each.breaches() == []

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
