"""Which partitions hold references, and how far they have come."""

import pickle

from tests.fakes.object_store import FakeBucket
from tests.transforms.references.reference_lake import DATASET, OWNER, commit, rows
from transforms.references import ReferenceSnapshot, snapshot


def lake(*tables):
    bucket = FakeBucket()
    for table in tables:
        commit(bucket, table)
    return bucket


def test_it_holds_the_fences_of_the_partitions_that_have_rows_of_the_datasets():
    bucket = lake(rows(0, ("a", 1, 5)), rows(1, ("b", 1, 5)))
    assert snapshot(bucket.store(), [DATASET]).fences == {OWNER: 2}
    assert snapshot(bucket.store(), ["another"]) == ReferenceSnapshot()


def test_where_there_is_no_lake_nothing_counts():
    assert snapshot(FakeBucket().store(), [DATASET]) == ReferenceSnapshot()


def test_the_chains_of_other_datasets_are_not_read():
    bucket = lake(rows(0, ("a", 1, 5)))
    store = bucket.store()
    snapshot(store, [DATASET])
    assert store.calls["get_object"] <= 3


def test_it_pickles():
    pinned = ReferenceSnapshot(fences={OWNER: 2})
    assert pickle.loads(pickle.dumps(pinned)) == pinned
