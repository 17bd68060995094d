"""The fake must behave as S3 does, faults included."""

from datetime import UTC, timedelta

import pytest

from tests.fakes.object_store import CrashError, FakeBucket, Fault
from transforms.errors import (
    ConfigurationError,
    ObjectConflictError,
    ObjectExistsError,
    ObjectMissingError,
    OutcomeUnknownError,
    StoreUnavailableError,
)


class TestObjects:
    def test_what_is_put_is_read_by_every_store_of_the_bucket(self):
        bucket = FakeBucket()
        bucket.store().put("a/b", b"one")
        other = bucket.store()
        assert other.get("a/b") == b"one"
        assert other.size("a/b") == 3
        assert bucket.store("s3://bucket/another").find("a/b") is None

    def test_a_missing_object_is_missed(self):
        store = FakeBucket().store()
        assert store.find("a") is None
        assert store.size("a") is None
        with pytest.raises(ObjectMissingError):
            store.get("a")

    def test_create_refuses_a_taken_key_and_leaves_it(self):
        store = FakeBucket().store()
        store.create("a", b"one")
        with pytest.raises(ObjectExistsError):
            store.create("a", b"two")
        assert store.get("a") == b"one"

    def test_walk_pages_through_all_keys(self):
        store = FakeBucket().store()
        keys = {f"data/{n:03d}" for n in range(50)}
        for key in keys:
            store.put(key, b"x" * 4)
        assert {(each.key, each.size) for each in store.walk("data/")} == {(k, 4) for k in keys}
        assert store.calls["list_objects_v2"] == 8

    def test_it_tells_when_each_object_was_stored(self):
        store = FakeBucket().store()
        for number in range(20):
            store.put(f"data/{number:02d}", b"")
        stored = dict(store.stored("data/"))
        assert len(stored) == 20
        assert stored["data/19"] - stored["data/00"] == timedelta(seconds=19)
        assert {at.tzinfo for at in stored.values()} == {UTC}

    def test_folders_are_those_with_keys_below(self):
        store = FakeBucket().store()
        for n in range(30):
            store.put(f"data/set{n % 10}/{n}", b"")
        store.put("data/file", b"")
        assert store.folders("data/") == [f"set{n}" for n in range(10)]

    def test_delete_takes_more_than_one_request_holds(self):
        store = FakeBucket().store()
        for n in range(1001):
            store.put(f"k/{n}", b"")
        store.delete([f"k/{n}" for n in range(1001)])
        assert store.content == {}
        assert store.calls["delete_objects"] == 2

    def test_uploads_are_listed_and_aborted(self):
        store = FakeBucket().store()
        store.start_upload("data/a", "1")
        store.start_upload("other/a", "2")
        assert store.unfinished_uploads("data/") == [("data/a", "1")]
        store.abort_upload("data/a", "1")
        assert store.unfinished_uploads("data/") == []

    def test_uploads_are_listed_page_by_page(self):
        store = FakeBucket().store()
        for n in range(20):
            store.start_upload("data/a", f"{n:02d}")
        assert len(set(store.unfinished_uploads("data/"))) == 20

    def test_planted_objects_bypass_the_store(self):
        store = FakeBucket().store()
        store.plant("a", b"1")
        assert store.content == {"a": b"1"}
        store.plant("a", None)
        assert store.content == {}
        assert not store.calls


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "error", "landed"),
        [
            (Fault.EXISTS, ObjectExistsError, False),
            (Fault.EXISTS_AFTER_EFFECT, ObjectExistsError, True),
            (Fault.CONFLICT, ObjectConflictError, False),
            (Fault.LOST_REQUEST, OutcomeUnknownError, False),
            (Fault.LOST_REPLY, OutcomeUnknownError, True),
            (Fault.LATE_EFFECT, OutcomeUnknownError, False),
            (Fault.DENIED, ConfigurationError, False),
            (Fault.CRASH_BEFORE, CrashError, False),
            (Fault.CRASH_AFTER, CrashError, True),
        ],
    )
    def test_a_create_meets_each_fault_once(self, fault, error, landed):
        store = FakeBucket().store()
        store.fail(fault, "put_object")
        with pytest.raises(error):
            store.create("a", b"one")
        assert ("a" in store.content) == landed
        store.put("a", b"two")
        assert store.get("a") == b"two"

    def test_a_late_put_lands_when_delivered(self):
        bucket = FakeBucket()
        store = bucket.store()
        store.fail(Fault.LATE_EFFECT, "put_object")
        with pytest.raises(OutcomeUnknownError):
            store.create("a", b"one")
        assert bucket.deliver() == 1
        assert store.get("a") == b"one"

    def test_a_late_create_does_not_replace_what_came_meanwhile(self):
        bucket = FakeBucket()
        store = bucket.store()
        store.fail(Fault.LATE_EFFECT, "put_object")
        with pytest.raises(OutcomeUnknownError):
            store.create("a", b"late")
        store.create("a", b"first")
        bucket.deliver()
        assert store.get("a") == b"first"

    def test_faults_pick_their_calls_by_operation_key_and_count(self):
        store = FakeBucket().store()
        store.fail(Fault.CONFLICT, "put_object", key="_commits/", skip=1, times=2)
        store.create("data/a", b"")
        store.create("_commits/0", b"")
        for _ in range(2):
            with pytest.raises(ObjectConflictError):
                store.create("_commits/1", b"")
        store.create("_commits/1", b"")

    def test_an_outage_of_reads_is_waited_out_without_real_sleep(self):
        store = FakeBucket().store()
        store.put("a", b"one")
        store.fail(Fault.LOST_REQUEST, "get_object", times=3)
        assert store.get("a") == b"one"
        assert store.now > 0

    def test_an_outage_longer_than_the_patience_ends(self):
        store = FakeBucket().store(patience_s=10)
        store.fail(Fault.LOST_REQUEST, "get_object", times=10_000)
        with pytest.raises(StoreUnavailableError):
            store.get("a")

    def test_another_process_acts_just_before_a_call(self):
        bucket = FakeBucket()
        store, other = bucket.store(), bucket.store()
        store.before(lambda: other.create("a", b"theirs"), "put_object")
        with pytest.raises(ObjectExistsError):
            store.create("a", b"ours")
