"""Which segment a process was about to write when it died."""

from dataclasses import replace

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.segments import OWNER
from transforms.errors import StoreUnavailableError
from transforms.lake.attempts import SUSPICIOUS_DEATHS, Attempts, end_quietly

KEY = "_attempts/shop.events/AbC-_123/0.json"


@pytest.fixture
def bucket():
    return FakeBucket()


def attempts(bucket, fence=10, owner=OWNER):
    return Attempts(bucket.store(), owner, fence)


def died(bucket, fence=10):
    attempts(bucket, fence).begin()


def test_runs_that_begin_and_do_not_end_are_deaths(bucket):
    for deaths in range(4):
        found = attempts(bucket)
        assert found.deaths == deaths
        assert found.suspicious == (deaths >= SUSPICIOUS_DEATHS)
        found.begin()


def test_a_run_that_never_came_to_its_first_segment_is_none(bucket):
    died(bucket)
    attempts(bucket)
    assert attempts(bucket).deaths == 1


def test_a_run_that_ends_in_order_without_progress_is_none(bucket):
    died(bucket)
    orderly = attempts(bucket)
    orderly.begin()
    orderly.end(10)
    assert attempts(bucket).deaths == 1


def test_progress_clears_what_was_noted_before(bucket):
    for _ in range(3):
        died(bucket, 10)
    assert attempts(bucket, 20).deaths == 0
    died(bucket, 20)
    assert attempts(bucket, 20).deaths == 1


def test_the_usual_run_costs_one_get_and_one_put(bucket):
    store = bucket.store()
    usual = Attempts(store, OWNER, 10)
    for _ in range(5):
        usual.begin()
    usual.end(60)
    assert store.calls == {"get_object": 1, "put_object": 1}
    assert [key for _, key in store.keys] == [KEY, KEY]


def test_partitions_and_incarnations_of_a_topic_have_notes_of_their_own(bucket):
    died(bucket)
    for owner in (replace(OWNER, partition=1), replace(OWNER, topic_id="other")):
        assert attempts(bucket, owner=owner).deaths == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"fence": 10, "deaths": "x"}', b"\xff"])
def test_a_note_that_can_not_be_read_is_none(bucket, body):
    bucket.store().plant(KEY, body)
    assert attempts(bucket).deaths == 0


def test_a_store_that_is_away_is_an_outage_at_the_begin_and_no_matter_at_the_end(bucket):
    store = bucket.store(patience_s=1.0)
    begun = Attempts(store, OWNER, 10)
    begun.begin()
    store.fail(Fault.LOST_REQUEST, "put_object", times=999)
    end_quietly(begun, 10)
    with pytest.raises(StoreUnavailableError):
        Attempts(store, OWNER, 10).begin()
    assert attempts(bucket).deaths == 1
