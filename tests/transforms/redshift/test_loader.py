"""A loader that is stopped, and where its loads stand; `tests/integration` has the loads."""

import threading

import pytest

from tests.fakes.lake import DATASET, TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import WarehouseUnavailableError
from transforms.lake import Mark, PartitionId
from transforms.redshift import Loader, LoadPlan, RawTable, Statements

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
AWAY = WarehouseUnavailableError("it is away", "Wait")
#: Longer than any test may take.
LONG_S = 60.0


class Session:
    """Knows one fence; a statement waits until it is let go on, or is cut."""

    def __init__(self, waits: bool = False) -> None:
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()
        self.is_cut = self.is_closed = False
        if not waits:
            self.may_go_on.set()

    def query(self, sql, parameters=()):
        self.has_begun.set()
        assert self.may_go_on.wait(LONG_S)
        if self.is_cut:
            raise AWAY
        return [("lake-1", TOPIC, TOPIC_ID, 0, f"raw_{DATASET}", 5, 1, "ab")]

    def cut(self):
        self.is_cut = True
        self.may_go_on.set()

    def abandon(self):
        assert self.is_cut

    def close(self):
        self.is_closed = True


def loader(connect, **settings) -> Loader:
    rows = segment(0, 1).rows[DATASET].schema
    plan = LoadPlan((RawTable(dataset=DATASET, topics=(TOPIC,), schema=rows),))
    return Loader(FakeLake().store, plan, connect, Statements("wh"), patience_s=LONG_S, **settings)


class TestPosition:
    def test_it_is_that_of_the_fences(self):
        session = Session()
        assert loader(lambda: session).position() == {OWNER: Mark(1, "ab")}
        assert session.is_closed

    def test_an_outage_is_waited_out(self):
        answers = [AWAY, AWAY, Session()]
        pauses = []

        def connect():
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert loader(connect, sleep=pauses.append).position() == {OWNER: Mark(1, "ab")}
        assert len(pauses) == 2


class Loading(threading.Thread):
    """Asks a loader in a thread, and keeps what it raises."""

    def __init__(self, asked: Loader) -> None:
        super().__init__(daemon=True)
        self.asked, self.error = asked, None
        self.start()

    def run(self):
        try:
            list(self.asked.load())
        except WarehouseUnavailableError as error:
            self.error = error

    def ended(self) -> str:
        self.join(LONG_S / 2)
        assert not self.is_alive()
        return str(self.error)


class TestStop:
    def test_a_statement_under_way_is_cut_and_not_begun_again(self):
        session = Session(waits=True)
        loading = Loading(loader(lambda: session))
        assert session.has_begun.wait(LONG_S)
        loading.asked.stop()
        assert loading.ended() == str(AWAY)
        assert session.is_closed

    def test_a_pause_in_an_outage_ends(self):
        has_tried = threading.Event()

        def connect():
            has_tried.set()
            raise AWAY

        loading = Loading(loader(connect))
        assert has_tried.wait(LONG_S)
        loading.asked.stop()
        assert loading.ended() == str(AWAY)

    def test_one_that_comes_while_it_connects_is_noticed(self):
        session, asked = Session(), []

        def connect():
            asked[0].stop()
            return session

        asked.append(loader(connect))
        with pytest.raises(WarehouseUnavailableError, match="the load was stopped"):
            list(asked[0].load())
        assert session.is_closed
