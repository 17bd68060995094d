"""What a process holds of references, and how it grows by later commits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.object_store import FakeBucket
from tests.transforms.references.reference_lake import DATASET, OWNER, commit, rows
from transforms.errors import LakeMismatchError
from transforms.lake.names import PartitionId
from transforms.references import ReferenceSpec, snapshot
from transforms.references.held import Held, grown
from transforms.references.versions import public

SPEC = ReferenceSpec(dataset=DATASET, key="code", lookup={"events": "what"})
CHEAP = SPEC.model_copy(update={"where": "price < 5"})
ALL = {OWNER: None}
OTHER = PartitionId(OWNER.topic, OWNER.topic_id, 1)


def lake(*tables):
    bucket = FakeBucket()
    for table in tables:
        commit(bucket, table)
    return bucket


def look(held, bucket, *specs, ends=ALL):
    return grown(held, bucket.store(), specs or (SPEC,), ends)


def seen(held, spec=SPEC):
    names = ["code", "price", "_from", "_until"]
    return sorted(public(held.of(spec).table).select(names).to_pylist(), key=str)


def test_where_there_is_no_lake_nothing_counts():
    held = look(Held(), FakeBucket())
    assert held == Held()
    assert held.of(SPEC).table is None


def test_what_is_committed_beyond_a_fence_does_not_count():
    bucket = lake(rows(0, ("a", 1, 5)))
    pinned = snapshot(bucket.store(), [DATASET]).fences
    before = look(Held(), bucket, ends=pinned)
    commit(bucket, rows(1, ("a", 2, 6)))
    again = look(Held(), bucket, ends=pinned)
    assert (again.version, seen(again)) == (before.version, seen(before))
    assert len(seen(look(Held(), bucket))) == 2


def test_orphans_do_not_count():
    bucket = lake(rows(0, ("a", 1, 5)))
    store = bucket.store()
    (key,) = [item.key for item in store.walk("data/")]
    store.plant(key.replace("0-1.", "1-2."), b"no parquet")
    assert len(seen(look(Held(), bucket))) == 1


def test_the_version_is_that_of_the_files():
    one, two = lake(rows(0, ("a", 1, 5))), lake(rows(0, ("a", 2, 5)))
    same = lake(rows(0, ("a", 1, 5)))
    versions = [look(Held(), each).version for each in (one, same, two)]
    assert versions[0] == versions[1] != versions[2]


def test_a_look_reads_only_what_is_new():
    bucket = lake(*(rows(n, (f"k{n}", n, 5)) for n in range(9)))
    held = look(Held(), bucket)
    commit(bucket, rows(9, ("a", 1, 5)))
    store = bucket.store()
    after = grown(held, store, (SPEC,), ALL)
    assert len(seen(after)) == 10
    read = [key for operation, key in store.keys if operation == "get_object" and "data/" in key]
    assert len(read) == 1


def test_where_nothing_is_new_one_request_a_partition_tells():
    bucket = lake(rows(0, ("a", 1, 5)))
    held = look(Held(), bucket)
    store = bucket.store()
    assert grown(held, store, (SPEC,), ALL) == held
    assert store.calls == {"get_object": 2}  # The lake's manifest, and the next commit.


def test_what_did_not_change_is_shared_and_what_did_is_not():
    bucket = lake(rows(0, ("a", 1, 5)))
    held = look(Held(), bucket, SPEC, CHEAP)
    commit(bucket, rows(1, ("b", 9, 5)))
    after = look(held, bucket, SPEC, CHEAP)
    assert after.of(CHEAP) is held.of(CHEAP)
    assert after.of(SPEC) is not held.of(SPEC)
    assert after.version != held.version


def test_a_partition_that_is_new_is_read_from_its_beginning():
    bucket = lake(rows(0, ("a", 1, 5)))
    held = look(Held(), bucket)
    commit(bucket, rows(0, ("b", 2, 5)), OTHER)
    assert len(seen(look(held, bucket, ends={OWNER: None, OTHER: None}))) == 2


def test_a_lake_that_was_begun_anew_is_noticed():
    held = look(Held(), lake(rows(0, ("a", 1, 5))))
    another = lake(rows(0, ("a", 7, 5)), rows(1, ("a", 2, 6)))
    with pytest.raises(LakeMismatchError):
        look(held, another)


THINGS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=5
)


@settings(max_examples=10, deadline=None)
@given(THINGS, st.sets(st.integers(1, 5)))
def test_grown_bit_by_bit_it_is_what_it_is_when_read_at_once(things, looks):
    bucket, held = FakeBucket(), Held()
    for number, thing in enumerate(things):
        commit(bucket, rows(number, thing))
        if number in looks:
            held = look(held, bucket, SPEC, CHEAP)
    held, whole = look(held, bucket, SPEC, CHEAP), look(Held(), bucket, SPEC, CHEAP)
    assert held.version == whole.version
    assert [seen(held, spec) for spec in (SPEC, CHEAP)] == [
        seen(whole, spec) for spec in (SPEC, CHEAP)
    ]
