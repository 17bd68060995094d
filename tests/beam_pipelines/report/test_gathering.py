"""From a lake in memory to the facts of its report."""

from datetime import UTC, datetime

import pytest

from beam_pipelines.report.facts import Arrival, Reason
from beam_pipelines.report.gathering import gather
from beam_pipelines.report.period import Period
from tests.fakes.lake import DATASET, DAY_MS, TOPIC, TOPIC_ID, FakeLake, segment
from tests.fakes.object_store import FakeBucket
from transforms.errors import ChainError, LakeMismatchError
from transforms.lake import LakeSettings, PartitionId, open_lake
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.runs import write_run

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)


@pytest.fixture
def lake() -> FakeLake:
    made = FakeLake({0: 0, 1: 0})
    made.write(
        segment(0, 20, dead=[5, 6], parked=[8], filtered=[9]),
        segment(20, 30, gaps=[(22, 25)]),
        segment(0, 4, partition=1),
    )
    return made


class TestCounts:
    def test_messages_and_dispositions_are_those_of_the_commits(self, lake):
        facts = gather(lake.store)
        assert facts.messages == 20 + 7 + 4
        assert facts.dispositions == {"accepted": 27, "dead_letter": 2, "parked": 1, "filtered": 1}
        assert facts.gaps == 3

    def test_reasons_are_counted_by_topic_and_disposition(self, lake):
        assert gather(lake.store).reasons == {
            Reason(TOPIC, "dead_letter", "reason_1"): 1,
            Reason(TOPIC, "dead_letter", "reason_0"): 1,
            Reason(TOPIC, "parked", "reason_0"): 1,
            Reason(TOPIC, "filtered", "reason_1"): 1,
        }

    def test_datasets_have_their_rows_and_sidecars_are_none(self, lake):
        datasets = gather(lake.store).datasets
        assert list(datasets) == [DATASET]
        assert datasets[DATASET].rows == 27
        assert datasets[DATASET].event_time == ((DAY_MS - 86_400_000) * 1000, (DAY_MS + 29) * 1000)

    def test_arrivals_are_the_commits_broker_times(self, lake):
        assert gather(lake.store).topics[TOPIC].arrivals == [
            Arrival(DAY_MS, DAY_MS + 19, 20),
            Arrival(DAY_MS + 20, DAY_MS + 29, 7),
            Arrival(DAY_MS, DAY_MS + 3, 4),
        ]

    def test_versions_tell_the_datasets_of_a_topic(self, lake):
        facts = gather(lake.store)
        assert facts.topics[TOPIC].datasets == {DATASET}
        assert facts.newest_version("schema.order") == "1"
        assert facts.newest_version("rules.order") is None


class TestPartitions:
    def test_each_stands_at_its_fence_with_the_newest_of_its_times(self, lake):
        state = gather(lake.store).partitions[OWNER]
        assert (state.fence, state.commits) == (30, 3)
        assert state.broker_time == DAY_MS + 29
        assert state.event_time == (DAY_MS + 29) * 1000
        assert state.committed == dict(lake.store.stored("_commits/"))[OWNER.commit_key(2)]

    def test_one_without_messages_was_never_committed(self):
        state = gather(FakeLake().store).partitions[OWNER]
        assert (state.commits, state.committed, state.broker_time) == (1, None, None)

    def test_as_of_is_when_the_newest_commit_was_stored(self, lake):
        assert gather(lake.store).as_of == max(dict(lake.store.stored("_commits/")).values())


class TestPeriod:
    def test_commits_without_a_message_in_it_are_not_told_of(self, lake):
        facts = gather(lake.store, Period(since=DAY_MS + 20))
        assert facts.messages == 7
        assert facts.reasons == {}

    def test_it_is_half_open(self, lake):
        assert gather(lake.store, Period(until=DAY_MS + 20)).messages == 24
        assert gather(lake.store, Period(until=DAY_MS + 21)).messages == 31
        assert gather(lake.store, Period(since=DAY_MS + 19, until=DAY_MS + 20)).messages == 20

    def test_where_partitions_stand_is_told_in_any_case(self, lake):
        assert gather(lake.store, Period(since=DAY_MS + 999)).partitions[OWNER].fence == 30


class TestReading:
    def test_each_commit_is_read_once_and_no_data_file(self, lake):
        store = lake.bucket.store()
        gather(store)
        read = [key for operation, key in store.keys if operation == "get_object"]
        commits = [key for key in lake.store.content if key.startswith("_commits/")]
        assert sorted(read) == sorted(["_lake.json", *commits])
        assert store.calls["head_object"] == 0

    def test_a_lake_without_a_topic_is_told_of(self):
        store = FakeBucket().store()
        open_lake(store, LakeSettings())
        facts = gather(store)
        assert (facts.messages, facts.as_of, facts.partitions) == (0, None, {})

    def test_a_prefix_without_lake_is_refused(self):
        with pytest.raises(LakeMismatchError):
            gather(FakeBucket().store())

    def test_a_hole_in_a_chain_is_told(self, lake):
        lake.store.plant(OWNER.commit_key(1), None)
        with pytest.raises(ChainError, match="hole"):
            gather(lake.store)

    def test_what_is_no_commit_is_told(self, lake):
        lake.store.plant("_commits/notes.txt", b"")
        with pytest.raises(ChainError, match="no commit's key"):
            gather(lake.store)

    def test_runs_are_read(self, lake):
        outcome = PartitionOutcome(topic=TOPIC, topic_id=TOPIC_ID, partition=0, wanted=9, fence=9)
        write_run(lake.store, "r1", [outcome], started=datetime(2026, 1, 1, tzinfo=UTC))
        assert [run.run_id for run in gather(lake.store).runs] == ["r1"]
