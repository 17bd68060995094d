"""Where chains begin is decided once."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.fakes.object_store import CrashError, FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, new_lake
from transforms.lake import CommitChain, PartitionId
from transforms.lake.genesis import TopicBirth, ensure_genesis, find_birth, known_topic_ids

BIRTH = TopicBirth(
    topic="t", topic_id="id", cluster_id="c", how="latest", starts={0: 5, 1: 6, 2: 7}
)
EARLIEST = {0: 1, 1: 2, 2: 3}


@pytest.fixture
def store():
    return FakeBucket().store()


def starts(store) -> Mapping[int, int]:
    tails = {p: CommitChain(store, PartitionId("t", "id", p), LAKE_ID).tail() for p in range(4)}
    return {p: tail.fence for p, tail in tails.items() if tail}


def test_each_partition_begins_where_the_birth_says(store):
    ensure_genesis(store, new_lake(store), BIRTH, EARLIEST)
    assert starts(store) == {0: 5, 1: 6, 2: 7}
    first = CommitChain(store, PartitionId("t", "id", 0), LAKE_ID).tail().commit
    assert first.genesis == {"how": "latest", "starts": {"0": 5, "1": 6, "2": 7}}
    assert (first.cluster_id, first.messages, first.files) == ("c", 0, ())


def test_it_may_be_repeated(store):
    lake = new_lake(store)
    ensure_genesis(store, lake, BIRTH, EARLIEST)
    before = store.content
    ensure_genesis(store, lake, replace(BIRTH, starts={0: 90, 1: 90, 2: 90}), EARLIEST)
    assert store.content == before


@pytest.mark.parametrize("made", [1, 2])
def test_after_a_crash_between_two_geneses_the_rest_follow_the_first_decision(store, made):
    lake = new_lake(store)
    store.fail(Fault.CRASH_BEFORE, "put_object", key="_commits/", skip=made)
    with pytest.raises(CrashError):
        ensure_genesis(store, lake, BIRTH, EARLIEST)
    assert len(starts(store)) == made
    later = replace(BIRTH, starts={0: 50, 1: 60, 2: 70})
    ensure_genesis(store.shared.store(), lake, later, EARLIEST)
    assert starts(store) == {0: 5, 1: 6, 2: 7}


def test_of_two_processes_the_first_decides_for_all_partitions(store):
    lake = new_lake(store)
    other = replace(BIRTH, starts={0: 50, 1: 60, 2: 70})
    faster = store.shared.store()
    store.before(lambda: ensure_genesis(faster, lake, other, EARLIEST), "put_object", key="_com")
    ensure_genesis(store, lake, BIRTH, EARLIEST)
    assert starts(store) == {0: 50, 1: 60, 2: 70}


def test_a_partition_that_came_later_begins_at_its_earliest_offset(store):
    lake = new_lake(store)
    ensure_genesis(store, lake, BIRTH, EARLIEST)
    ensure_genesis(store, lake, BIRTH, {**EARLIEST, 3: 4})
    assert starts(store)[3] == 4


def test_a_topic_is_known_by_the_ids_that_have_a_chain(store):
    lake = new_lake(store)
    assert find_birth(store, lake, "t", "id") is None
    for topic_id in ("id", "id2"):
        ensure_genesis(store, lake, replace(BIRTH, topic_id=topic_id), EARLIEST)
    ensure_genesis(store, lake, replace(BIRTH, topic="t.other", topic_id="id3"), EARLIEST)
    assert known_topic_ids(store, "t") == ["id", "id2"]
    assert find_birth(store, lake, "t", "id2").commit.topic_id == "id2"
