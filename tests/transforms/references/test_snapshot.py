"""Which commits count."""

import pickle

from tests.fakes.object_store import FakeBucket
from tests.transforms.references.reference_lake import DATASET, OWNER, commit, rows
from transforms.references import ReferenceSnapshot, snapshot
from transforms.references.snapshot import files, version


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
    store = FakeBucket().store()
    assert snapshot(store, [DATASET]) == ReferenceSnapshot()
    assert list(files(store, ReferenceSnapshot(fences={OWNER: 5}))) == []


def test_what_is_committed_later_does_not_count():
    bucket = lake(rows(0, ("a", 1, 5)))
    pinned = snapshot(bucket.store(), [DATASET])
    before = list(files(bucket.store(), pinned))
    commit(bucket, rows(1, ("a", 2, 6)))
    assert list(files(bucket.store(), pinned)) == before
    assert len(list(files(bucket.store(), snapshot(bucket.store(), [DATASET])))) == 2


def test_orphans_do_not_count():
    bucket = lake(rows(0, ("a", 1, 5)))
    store = bucket.store()
    (key,) = [item.key for item in store.walk("data/")]
    store.plant(key.replace("0-1.", "1-2."), b"no parquet")
    assert [file.key for file in files(store, snapshot(store, [DATASET]))] == [key]


def test_the_chains_of_other_datasets_are_not_read():
    bucket = lake(rows(0, ("a", 1, 5)))
    store = bucket.store()
    snapshot(store, [DATASET])
    assert store.calls["get_object"] <= 3


def test_the_version_is_that_of_the_files():
    one, two = lake(rows(0, ("a", 1, 5))), lake(rows(0, ("a", 2, 5)))
    same = lake(rows(0, ("a", 1, 5)))
    versions = [
        version(files(each.store(), snapshot(each.store(), [DATASET]))) for each in (one, same, two)
    ]
    assert versions[0] == versions[1] != versions[2]


def test_it_pickles():
    pinned = ReferenceSnapshot(fences={OWNER: 2})
    assert pickle.loads(pickle.dumps(pinned)) == pinned
