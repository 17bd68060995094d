"""What is told of a commit is what it says of itself."""

from dataclasses import replace

import pytest

from tests.fakes.object_store import FakeBucket
from tests.told import telling
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.lake.test_chain import following
from transforms.lake.figures import tell_commit
from transforms.metrics import (
    COMMITTED_BYTES,
    COMMITTED_MESSAGES,
    COMMITTED_SEGMENTS,
    COMMITTED_TIMESTAMP_SECONDS,
    FRESHNESS_SECONDS,
    GAP_OFFSETS,
    QUARANTINED_MESSAGES,
)

#: Of the newest message, in milliseconds since 1970.
NEWEST_MS = 1_770_000_000_500
PLACE = "shop.events/0"


@pytest.fixture
def commit():
    counts = {"accepted": {"": 5}, "dead_letter": {"utf8": 2, "quarantined": 3}}
    chain = new_lane(born(FakeBucket())).chain
    chain.reload()
    made = following(chain)
    return replace(
        made, dispositions=counts, gaps=((0, 4), (6, 7)), broker_time=(NEWEST_MS - 1, NEWEST_MS)
    )


def test_its_messages_are_told_by_what_became_of_them(commit):
    with telling() as told:
        tell_commit(commit, 0)
    assert told.of(COMMITTED_MESSAGES) == {f"{PLACE}/accepted": 5, f"{PLACE}/dead_letter": 5}
    assert told.of(COMMITTED_SEGMENTS) == {PLACE: 1}
    assert told.of(COMMITTED_BYTES) == {PLACE: sum(file.bytes for file in commit.files)}


def test_what_should_never_be_is_told_only_where_it_is(commit):
    with telling() as told:
        tell_commit(commit, 0)
        tell_commit(replace(commit, dispositions={}, gaps=()), 0)
    assert told.of(QUARANTINED_MESSAGES) == {PLACE: 3}
    assert told.of(GAP_OFFSETS) == {PLACE: 5}


@pytest.mark.parametrize(("late_s", "told_s"), [(30, 30), (-30, 0)])
def test_its_freshness_is_that_of_its_newest_message(commit, late_s, told_s):
    with telling() as told:
        tell_commit(commit, NEWEST_MS / 1000 + late_s)
    assert told.of(FRESHNESS_SECONDS) == {commit.topic: pytest.approx(told_s)}
    assert told.of(COMMITTED_TIMESTAMP_SECONDS) == {PLACE: NEWEST_MS / 1000}


def test_a_commit_without_messages_has_no_freshness(commit):
    with telling() as told:
        tell_commit(replace(commit, broker_time=None), 0)
    assert told.of(FRESHNESS_SECONDS) == told.of(COMMITTED_TIMESTAMP_SECONDS) == {}
