"""Orphans are swept by the fence of their partition, and nothing else is touched."""

from dataclasses import replace

import pytest

from tests.fakes.lake import DATASET, TOPIC, TOPIC_ID, FakeLake, segment, writer
from tests.fakes.object_store import CrashError, Fault
from transforms.errors import LakeMismatchError
from transforms.lake import PartitionId
from transforms.lake.names import data_key
from transforms.lake.sweep import plan_sweep, sweep
from transforms.lake.verify import verify_lake

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)


def orphan(start: int, end: int, owner: PartitionId = OWNER) -> str:
    return data_key(owner, DATASET, "event_date=2026-01-31", start, end, "ab" * 32)


@pytest.fixture
def lake() -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 20, dead=[1]), segment(20, 40))
    return made


def orphans(lake: FakeLake) -> list[str]:
    return sorted(item.key for item in plan_sweep(lake.store).orphans)


class TestPlan:
    def test_a_lake_without_orphans_has_nothing_to_sweep(self, lake):
        plan = plan_sweep(lake.store)
        assert (plan.orphans, plan.uploads, plan.waiting, plan.unknown) == ([], [], [], [])

    @pytest.mark.parametrize("place", [(0, 20), (5, 8), (39, 41), (39, 40)])
    def test_an_unnamed_file_that_starts_below_the_fence_is_an_orphan(self, lake, place):
        lake.store.plant(orphan(*place), b"12345")
        plan = plan_sweep(lake.store)
        assert [item.key for item in plan.orphans] == [orphan(*place)]
        assert plan.bytes == 5

    @pytest.mark.parametrize("place", [(40, 60), (41, 60)])
    def test_a_file_at_or_above_the_fence_is_never_swept(self, lake, place):
        lake.store.plant(orphan(*place), b"12345")
        plan = plan_sweep(lake.store)
        assert plan.orphans == []
        assert [item.key for item in plan.waiting] == [orphan(*place)]

    def test_each_partition_has_its_own_fence(self):
        made = FakeLake({0: 0, 1: 0})
        made.write(segment(0, 20))
        other = PartitionId(TOPIC, TOPIC_ID, 1)
        made.store.plant(orphan(5, 9, other), b"")
        made.store.plant(orphan(5, 9), b"")
        assert orphans(made) == [orphan(5, 9)]

    def test_files_of_a_partition_without_chain_are_left_and_named(self, lake):
        key = orphan(0, 5, PartitionId(TOPIC, "other", 0))
        lake.store.plant(key, b"")
        plan = plan_sweep(lake.store)
        assert (plan.orphans, plan.ownerless) == ([], [key])

    def test_keys_that_are_none_of_ours_are_left_and_named(self, lake):
        lake.store.plant("data/order/notes.txt", b"")
        lake.store.start_upload("data/order/more.txt")
        plan = plan_sweep(lake.store)
        assert plan.orphans == []
        assert plan.unknown == ["data/order/notes.txt", "data/order/more.txt"]

    def test_unfinished_uploads_go_by_the_fence_of_their_key(self, lake):
        lake.store.start_upload(orphan(0, 20), "below")
        lake.store.start_upload(orphan(40, 60), "above")
        assert plan_sweep(lake.store).uploads == [(orphan(0, 20), "below")]

    def test_a_chain_that_does_not_hold_together_keeps_its_files(self, lake):
        lake.store.plant(orphan(0, 20), b"")
        changed = replace(lake.commit(1), writer="another")
        lake.store.plant(OWNER.commit_key(1), changed.to_bytes())
        plan = plan_sweep(lake.store)
        assert plan.orphans == []
        assert list(plan.broken) == [str(OWNER)]

    def test_a_hole_in_the_chain_never_costs_a_committed_file(self, lake):
        lake.write(segment(40, 50), segment(50, 60))
        named = {f.key for seq in range(5) for f in lake.commit(seq).files}
        for seq in range(5):
            body = lake.store.content[OWNER.commit_key(seq)]
            lake.store.plant(OWNER.commit_key(seq), None)
            assert named.isdisjoint(orphans(lake))
            lake.store.plant(OWNER.commit_key(seq), body)

    def test_a_prefix_without_lake_is_refused(self, lake):
        with pytest.raises(LakeMismatchError):
            plan_sweep(lake.bucket.store("s3://bucket/other"))


class TestRaces:
    def test_a_commit_between_listing_and_reading_keeps_its_files(self, lake):
        """The file is listed as nobody's, and its commit comes before the chain is read."""
        before = lake.lane()
        lake.store.before(
            lambda: writer().write(before, segment(40, 60)), "head_object", key="_commits/"
        )
        files = set(lake.store.content)
        plan = plan_sweep(lake.store)
        assert plan.orphans == []
        assert lake.commit(3).end == 60
        assert files < set(lake.store.content)

    def test_files_that_were_up_before_and_are_committed_meanwhile_are_kept(self, lake):
        crashed = lake.bucket.store()
        lake.store.fail(Fault.CRASH_BEFORE, "put_object", key="_commits/")
        with pytest.raises(CrashError):
            lake.write(segment(40, 60))
        assert crashed.find(OWNER.commit_key(3)) is None
        lake.store.before(lambda: lake.write(segment(40, 60)), "head_object", key="_commits/")
        plan = plan_sweep(lake.store)
        assert plan.orphans == []
        sweep(lake.store, plan)
        assert verify_lake(lake.store).holds

    def test_what_a_frozen_writer_left_is_swept_once_another_has_passed_it(self, lake):
        lake.store.fail(Fault.CRASH_BEFORE, "put_object", key="_commits/")
        with pytest.raises(CrashError):
            lake.write(segment(40, 60))
        assert orphans(lake) == []
        lake.write(segment(40, 50), segment(50, 70))
        assert len(orphans(lake)) == 1

    def test_a_late_data_file_below_the_fence_is_swept_next_time(self, lake):
        lake.store.plant(orphan(20, 40), b"")
        sweep(lake.store, plan_sweep(lake.store))
        lake.store.plant(orphan(20, 40), b"")
        assert orphans(lake) == [orphan(20, 40)]


class TestSweep:
    def test_planning_deletes_nothing(self, lake):
        lake.store.plant(orphan(0, 20), b"")
        before = lake.store.content
        plan_sweep(lake.store)
        assert lake.store.content == before

    def test_a_sweep_deletes_the_plan_and_nothing_else(self, lake):
        before = lake.store.content
        lake.store.plant(orphan(0, 20), b"")
        lake.store.start_upload(orphan(0, 20))
        sweep(lake.store, plan_sweep(lake.store))
        assert lake.store.content == before
        assert lake.bucket.uploads == []
        assert verify_lake(lake.store).holds

    def test_a_sweep_may_be_repeated(self, lake):
        lake.store.plant(orphan(0, 20), b"")
        lake.store.start_upload(orphan(0, 20))
        plan = plan_sweep(lake.store)
        sweep(lake.store, plan)
        sweep(lake.store, plan)
        assert verify_lake(lake.store).holds
