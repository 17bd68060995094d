"""Gaps that a run has committed and told nobody of."""

from dataclasses import replace

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.segments import LAYOUTS, OWNER, raw_segment, segment
from transforms.errors import StoreUnavailableError
from transforms.lake import GapLedger
from transforms.lake.manifest import LakeSettings, open_lake
from transforms.lake.names import LAKE, TOLD_GAPS
from transforms.lake.writer import SegmentWriter


@pytest.fixture
def bucket():
    made = FakeBucket()
    born(made)
    return made


def commit(bucket, *segments):
    lane = new_lane(bucket.store())
    lane.begin(1_000)
    for each in segments:
        SegmentWriter(LAYOUTS, (), "me").write(lane, each)


def gap(start, end):
    return replace(raw_segment(start, end, offsets=[]), gaps=((start, end),))


def ledger(bucket):
    return GapLedger(bucket.store(), [OWNER])


def ranges(found):
    return [each.range for each in found]


def test_a_gap_is_untold_until_a_run_says_that_it_told_it(bucket):
    commit(bucket, segment(0, 10), gap(10, 20), segment(20, 30), gap(30, 31))
    assert ranges(ledger(bucket).untold()) == [(10, 20), (30, 31)]

    telling = ledger(bucket)
    assert ranges(telling.untold()) == [(10, 20), (30, 31)]
    telling.mark_told()

    assert ledger(bucket).untold() == []
    commit(bucket, gap(31, 40))
    assert ranges(ledger(bucket).untold()) == [(31, 40)]


def test_a_gap_that_came_after_the_look_stays_untold(bucket):
    telling = ledger(bucket)
    telling.untold()
    commit(bucket, gap(0, 10))
    telling.mark_told()

    assert ranges(ledger(bucket).untold()) == [(0, 10)]


def test_a_gap_is_told_by_its_place_and_range(bucket):
    commit(bucket, gap(0, 10))
    text = str(ledger(bucket).untold()[0])
    assert text.startswith("shop.events[0]: the offsets 0 to 9 were deleted")


def test_commits_that_were_read_anyway_are_not_read_again(bucket):
    commit(bucket, gap(0, 10), segment(10, 20), gap(20, 30))
    reader = new_lane(bucket.store()).chain
    store = bucket.store()
    noting = GapLedger(store, [OWNER])
    for tail in reader.read_from(1):
        noting.note(tail.commit)
    before = store.calls["get_object"]

    assert ranges(noting.untold()) == [(0, 10), (20, 30)]
    assert store.calls["get_object"] == before + 1


def test_a_commit_out_of_turn_is_read_in_its_turn(bucket):
    commit(bucket, gap(0, 10), segment(10, 20), gap(20, 30))
    noting = ledger(bucket)
    for tail in [*new_lane(bucket.store()).chain.read_from(2)] * 2:
        noting.note(tail.commit)
    assert ranges(noting.untold()) == [(0, 10), (20, 30)]
    assert ranges(noting.untold()) == [(0, 10), (20, 30)]


def test_nothing_is_written_where_nothing_is_new(bucket):
    commit(bucket, segment(0, 10))
    for _ in range(2):
        telling = ledger(bucket)
        telling.untold()
        telling.mark_told()
    assert telling.store.calls["put_object"] == 0


def test_marks_of_other_partitions_are_kept(bucket):
    other = replace(OWNER, partition=7)
    for owner in (OWNER, other):
        telling = GapLedger(bucket.store(), [owner])
        telling._seen[owner] = 3
        telling.mark_told()
    assert GapLedger(bucket.store(), [OWNER, other])._told == {OWNER.commits: 3, other.commits: 3}


def test_marks_of_another_lake_under_the_prefix_do_not_count(bucket):
    commit(bucket, gap(0, 10))
    telling = ledger(bucket)
    telling.untold()
    telling.mark_told()
    for key in [key for key in telling.store.content if key != TOLD_GAPS]:
        telling.store.plant(key, None)
    open_lake(bucket.store(), LakeSettings(), lambda: "lake-2")

    assert LAKE in telling.store.content
    assert ledger(bucket)._told == {}


def test_a_telling_that_can_not_be_noted_is_said_so(bucket):
    commit(bucket, gap(0, 10))
    telling = ledger(bucket)
    telling.untold()
    telling.store.fail(Fault.LOST_REQUEST, "put_object", times=999)
    with pytest.raises(StoreUnavailableError):
        telling.mark_told()
    assert ranges(ledger(bucket).untold()) == [(0, 10)]
