"""The commit chain: finding its tail, and every outcome of adding to it."""

from dataclasses import replace
from math import log2

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, born
from tests.transforms.segments import OWNER
from transforms.errors import (
    ChainError,
    ConfigurationError,
    ObjectMissingError,
    StoreUnavailableError,
)
from transforms.lake.chain import CommitChain, _last_taken
from transforms.lake.commit import SegmentCommit
from transforms.lake.names import PartitionId


def chain_on(store):
    return CommitChain(store, OWNER, LAKE_ID)


def following(chain, length=10, writer="me") -> SegmentCommit:
    tail = chain.tail()
    return SegmentCommit(
        lake_id=LAKE_ID,
        cluster_id="c",
        topic=OWNER.topic,
        topic_id=OWNER.topic_id,
        partition=OWNER.partition,
        seq=tail.commit.seq + 1,
        start=tail.fence,
        end=tail.fence + length,
        prev=tail.sha256,
        writer=writer,
    )


def grow(store, commits, writer="other"):
    chain = chain_on(store)
    chain.reload()
    for _ in range(commits):
        assert chain.append(following(chain, writer=writer))


class Pair:
    """Two processes on one chain."""

    def __init__(self):
        bucket = FakeBucket()
        born(bucket)
        self.bucket = bucket
        self.store, self.other = bucket.store(patience_s=2.0), bucket.store()
        self.chain = chain_on(self.store)
        self.chain.reload()

    def append(self):
        return self.chain.append(following(self.chain))

    def seqs(self):
        return [tail.commit.seq for tail in chain_on(self.bucket.store()).read_from()]


@pytest.fixture
def pair():
    return Pair()


class TestTail:
    def test_a_chain_without_genesis_has_no_tail(self):
        assert chain_on(FakeBucket().store()).tail() is None

    @pytest.mark.parametrize("length", [*range(0, 18), 31, 32, 33, 100, 199, 200])
    @pytest.mark.parametrize("known", [-1, 0, 5])
    def test_galloping_finds_the_tail_in_logarithmically_many_requests(self, length, known):
        asked = []

        def is_taken(seq):
            asked.append(seq)
            return seq < length

        known = min(known, length - 1)
        assert _last_taken(is_taken, known) == length - 1
        assert len(asked) <= 2 * log2(length - known + 1) + 2
        assert min(asked) > known

    def test_a_remembered_tail_costs_no_request_and_a_reload_one(self, pair):
        before = pair.store.calls.total()
        assert pair.chain.tail().commit.seq == 0
        assert pair.store.calls.total() == before
        pair.chain.reload()
        assert pair.store.calls.total() == before + 1

    def test_a_reload_finds_what_others_added(self, pair):
        grow(pair.other, 9)
        assert pair.chain.tail().commit.seq == 0
        assert pair.chain.reload().commit.seq == 9
        assert pair.chain.tail().fence == 90

    def test_read_from_goes_as_far_as_the_chain(self, pair):
        grow(pair.other, 3)
        assert [tail.commit.seq for tail in pair.chain.read_from(2)] == [2, 3]


class TestRead:
    def test_a_commit_that_is_not_there_is_missed(self, pair):
        with pytest.raises(ObjectMissingError):
            pair.chain.read(1)

    def test_commits_of_another_lake_are_refused(self, pair):
        with pytest.raises(ChainError, match="belongs to the lake lake-1, not to lake-2"):
            CommitChain(pair.store, OWNER, "lake-2").reload()

    def test_a_commit_under_another_number_is_refused(self, pair):
        pair.store.plant(OWNER.commit_key(1), pair.store.content[OWNER.commit_key(0)])
        with pytest.raises(ChainError, match="number 0"):
            pair.chain.reload()

    def test_a_commit_of_another_partition_is_refused(self, pair):
        other = PartitionId(OWNER.topic, OWNER.topic_id, 1)
        pair.store.plant(other.commit_key(0), pair.store.content[OWNER.commit_key(0)])
        with pytest.raises(ChainError, match=r"shop\.events\[0\]"):
            CommitChain(pair.store, other, LAKE_ID).reload()


class TestAppend:
    def test_a_win_is_the_new_tail(self, pair):
        assert pair.append()
        assert pair.chain.tail().fence == 10
        assert pair.chain.tail() == chain_on(pair.other).reload()

    def test_a_412_of_another_writer_is_a_loss_and_the_tail_is_reloaded(self, pair):
        mine = following(pair.chain)
        grow(pair.other, 3)
        assert not pair.chain.append(mine)
        assert pair.chain.tail().commit.seq == 3
        assert pair.chain.tail().commit.writer == "other"

    def test_a_412_to_a_second_try_of_what_took_effect_is_a_win(self, pair):
        pair.store.fail(Fault.EXISTS_AFTER_EFFECT, "put_object")
        assert pair.append()
        assert pair.seqs() == [0, 1]

    def test_a_lost_reply_is_sent_again_and_is_a_win(self, pair):
        pair.store.fail(Fault.LOST_REPLY, "put_object")
        assert pair.append()
        assert pair.seqs() == [0, 1]

    def test_a_lost_reply_is_a_win_though_others_went_on_from_it(self, pair):
        pair.store.fail(Fault.LOST_REPLY, "put_object")
        pair.store.before(lambda: grow(pair.other, 2), "put_object", skip=1)
        assert pair.append()
        assert pair.chain.tail().commit.seq == 3

    def test_a_409_is_sent_again_to_the_same_number(self, pair):
        pair.store.fail(Fault.CONFLICT, "put_object", times=2)
        assert pair.append()
        sent = [key for operation, key in pair.store.keys if operation == "put_object"]
        assert sent == [OWNER.commit_key(1)] * 3

    def test_a_lost_request_whose_number_another_takes_is_a_loss(self, pair):
        pair.store.fail(Fault.LOST_REQUEST, "put_object")
        pair.store.before(lambda: grow(pair.other, 1), "put_object", skip=1)
        assert not pair.append()
        assert pair.chain.tail().commit.writer == "other"

    def test_a_put_that_lands_late_is_found_not_repeated(self, pair):
        pair.store.fail(Fault.LATE_EFFECT, "put_object")
        pair.store.before(pair.bucket.deliver, "put_object", skip=1)
        assert pair.append()
        assert pair.seqs() == [0, 1]

    def test_a_put_that_lands_after_another_took_its_number_changes_nothing(self, pair):
        pair.store.fail(Fault.LATE_EFFECT, "put_object", times=99)
        with pytest.raises(StoreUnavailableError):
            pair.append()
        grow(pair.other, 1)
        assert pair.bucket.deliver() > 1
        assert chain_on(pair.bucket.store()).reload().commit.writer == "other"

    def test_after_an_outage_the_tail_is_still_the_old_one_and_the_late_put_is_a_loss(self, pair):
        pair.store.fail(Fault.LATE_EFFECT, "put_object", times=99)
        first = following(pair.chain)
        with pytest.raises(StoreUnavailableError, match="goes on from the fences"):
            pair.chain.append(first)
        assert pair.chain.tail().commit.seq == 0
        pair.bucket.deliver()
        pair.store._planned.clear()
        assert not pair.chain.append(replace(first, end=first.end + 1))
        assert pair.chain.tail().fence == first.end

    @pytest.mark.parametrize(
        "wrong", [{"seq": 2}, {"start": 1}, {"prev": ""}, {"end": -1}, {"seq": 0}]
    )
    def test_a_commit_that_does_not_follow_is_never_sent(self, pair, wrong):
        with pytest.raises(ChainError, match="does not follow"):
            pair.chain.append(replace(following(pair.chain), **wrong))
        assert pair.store.calls["put_object"] == 0

    def test_a_412_that_finds_its_number_free_is_sent_again(self, pair):
        pair.store.fail(Fault.EXISTS, "put_object")
        assert pair.append()
        assert pair.seqs() == [0, 1]

    def test_a_refusal_is_passed_on_and_nothing_is_sent_again(self, pair):
        pair.store.fail(Fault.DENIED, "put_object")
        with pytest.raises(ConfigurationError):
            pair.append()
        assert pair.store.calls["put_object"] == 1
