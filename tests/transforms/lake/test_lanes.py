"""A lane: one segment in flight, failures kept, losses counted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, born, new_lane
from tests.transforms.lake.test_chain import following, grow
from tests.transforms.segments import OWNER
from transforms.errors import (
    ConfigurationError,
    ContentionError,
    PipelineError,
    StoreUnavailableError,
)
from transforms.lake import StoreSettings
from transforms.lake.chain import Tail
from transforms.lake.lanes import MAX_FOREIGN_COMMITS, Lane, lane, outcomes


@pytest.fixture
def store():
    return born(FakeBucket())


@pytest.fixture
def begun(store):
    made = new_lane(store)
    made.begin(100)
    return made


@pytest.fixture
def threaded(store):
    with ThreadPoolExecutor(2) as pool:
        made = Lane(new_lane(store).chain, pool)
        made.begin(100)
        yield made


class TestInFlight:
    def test_a_second_write_waits_for_the_first(self, threaded):
        first_may_end, events = threading.Event(), []

        def first():
            first_may_end.wait(10)
            events.append("first ended")

        threaded.submit(first)
        second = threading.Thread(
            target=lambda: threaded.submit(lambda: events.append("second began"))
        )
        second.start()
        assert events == []
        first_may_end.set()
        second.join(10)
        assert threaded.wait()
        assert events == ["first ended", "second began"]

    def test_waiting_returns_when_the_write_has_ended(self, threaded):
        ended = []
        threaded.submit(lambda: ended.append(True))
        assert threaded.wait()
        assert ended

    def test_beginning_anew_waits_for_the_write_of_the_run_before(self, threaded):
        may_end, ended = threading.Event(), []
        threaded.submit(lambda: (may_end.wait(10), ended.append(True)))
        threading.Timer(0, may_end.set).start()
        threaded.begin(100)
        assert ended


class TestFailure:
    def test_the_failure_of_a_write_is_kept_for_the_reader(self, threaded):
        threaded.submit(lambda: 1 / 0)
        assert not threaded.wait()
        assert isinstance(threaded.failure, ZeroDivisionError)

    def test_the_first_failure_counts(self, begun):
        begun.fail(KeyError("first"))
        begun.fail(ValueError("second"))
        assert isinstance(begun.failure, KeyError)

    def test_a_new_run_starts_without_the_failure_of_the_last(self, begun):
        begun.fail(KeyError("x"))
        begun.begin(100)
        assert begun.wait()


class TestFence:
    def test_beginning_reads_the_fence_from_the_chain(self, store, begun):
        grow(store.shared.store(), 2)
        assert begun.fence == 0
        begun.begin(100)
        assert begun.fence == 20

    def test_a_partition_without_genesis_has_none(self, store):
        bare = new_lane(store, replace(OWNER, partition=9))
        bare.begin(1)
        with pytest.raises(PipelineError, match="has no genesis"):
            _ = bare.fence


class TestContention:
    def test_the_fifth_loss_in_a_row_stops_the_run_and_names_the_winner(self, begun):
        for _ in range(MAX_FOREIGN_COMMITS - 1):
            begun.lost("host/7")
        with pytest.raises(ContentionError, match="host/7 took 5 commits"):
            begun.lost("host/7")

    def test_a_win_in_between_starts_the_count_anew(self, begun):
        for _ in range(MAX_FOREIGN_COMMITS - 1):
            begun.lost("host/7")
        begun.won(begun.chain.tail())
        for _ in range(MAX_FOREIGN_COMMITS - 1):
            begun.lost("host/7")


class TestOutcome:
    def test_there_is_none_before_anything_happened(self, begun):
        assert begun.outcome() is None

    def test_what_was_won_is_summed_and_told_once(self, begun):
        commit = replace(
            following(begun.chain),
            messages=3,
            dispositions={"accepted": {"": 2}, "dead_letter": {"utf8": 1}},
            gaps=((0, 4),),
        )
        begun.chain.append(commit)
        begun.won(Tail(commit, ""))
        begun.won(Tail(replace(commit, gaps=()), ""))
        told = begun.outcome()
        assert (told.wanted, told.fence, told.messages) == (100, 10, 6)
        assert told.dispositions == {"accepted": 4, "dead_letter": 2}
        assert told.gaps == ((0, 4),)
        assert told.failure == told.reason == ""
        assert begun.outcome() is None

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (ContentionError("a", "b"), "contention"),
            (ConfigurationError("a", "b"), "refused"),
            (StoreUnavailableError("a", "b"), "failed"),
        ],
    )
    def test_a_failure_is_told_by_its_kind_and_in_words(self, begun, error, kind):
        begun.fail(error)
        told = begun.outcome()
        assert (told.failure, told.reason) == (kind, "a. b")

    def test_the_text_of_an_unknown_error_is_not_told(self, begun):
        begun.fail(ValueError("patient John Doe"))
        assert begun.outcome().reason == "ValueError"

    def test_it_is_told_though_the_store_is_away(self, store, begun):
        store.fail(Fault.LOST_REQUEST, "head_object", times=999)
        begun.fail(StoreUnavailableError("away"))
        assert begun.outcome().failure == "failed"


class TestRegistry:
    def test_reader_and_sink_meet_in_one_lane(self, store):
        assert lane(store, OWNER, LAKE_ID) is lane(store, OWNER, LAKE_ID)

    def test_lanes_differ_by_partition_lake_and_settings(self, store):
        mine = lane(store, OWNER, LAKE_ID)
        assert lane(store, replace(OWNER, partition=1), LAKE_ID) is not mine
        other = store.shared.store("s3://bucket/other")
        assert lane(other, OWNER, LAKE_ID) is not mine
        elsewhere = store.shared.store()
        elsewhere.settings = StoreSettings(endpoint_url="http://elsewhere")
        assert lane(elsewhere, OWNER, LAKE_ID) is not mine

    def test_a_lake_made_anew_gets_a_new_lane(self, store):
        assert lane(store, OWNER, LAKE_ID) is not lane(store, OWNER, "lake-2")

    def test_outcomes_are_those_of_one_lake(self):
        store = FakeBucket().store("s3://bucket/outcomes")
        lane(store, OWNER, LAKE_ID).fail(KeyError())
        assert [each.failure for each in outcomes(store.root)] == ["failed"]
        assert outcomes(store.root) == []
        assert outcomes("s3://bucket/none") == []
