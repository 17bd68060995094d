"""The report of a run."""

from datetime import UTC, datetime, timedelta

import orjson

from tests.fakes.object_store import BIRTH, FakeBucket
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.runs import (
    add_to_run,
    merge_outcomes,
    read_report,
    read_run,
    read_runs,
    write_run,
)

ONE = PartitionOutcome(
    topic="t",
    topic_id="id",
    partition=1,
    wanted=10,
    fence=4,
    messages=3,
    dispositions={"accepted": 3},
    gaps=((0, 1),),
)


def other(**values) -> PartitionOutcome:
    return PartitionOutcome(**{**ONE.to_dict(), **values})


def test_a_report_is_read_as_it_was_written():
    store = FakeBucket().store()
    write_run(store, "run-1", [ONE, other(partition=2, failure="failed", reason="why")])
    assert read_run(store, "run-1") == [ONE, other(partition=2, failure="failed", reason="why")]


def test_a_run_without_a_report_did_nothing():
    assert read_run(FakeBucket().store(), "run-1") == []


def test_the_outcomes_of_one_partition_are_added_up():
    second = other(
        fence=10, messages=5, dispositions={"accepted": 4, "filtered": 1}, gaps=((5, 6), (0, 1))
    )
    (merged,) = merge_outcomes([ONE, second])
    assert (merged.wanted, merged.fence, merged.messages) == (10, 10, 8)
    assert merged.dispositions == {"accepted": 7, "filtered": 1}
    assert merged.gaps == ((0, 1), (5, 6))


def test_a_failure_of_any_bundle_is_the_partitions():
    failed = other(failure="contention", reason="why")
    for order in ([ONE, failed], [failed, ONE]):
        (merged,) = merge_outcomes(order)
        assert (merged.failure, merged.reason) == ("contention", "why")


def test_partitions_and_incarnations_of_topics_stay_apart_and_in_order():
    listed = [other(partition=2), other(topic_id="id0"), ONE]
    assert merge_outcomes(listed) == [ONE, other(partition=2), other(topic_id="id0")]


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_runs_tell_when_they_were_and_how_long_they_took():
    store = FakeBucket().store()
    write_run(store, "run-1", [ONE], started=NOON, finished=NOON + timedelta(seconds=2.5))
    (run,) = read_runs(store, newest=9)
    assert (run.run_id, run.started, run.seconds, run.messages) == ("run-1", NOON, 2.5, 3)
    assert run.partitions == (ONE,)


def test_a_report_without_times_is_dated_by_its_name_and_by_s3():
    store = FakeBucket().store()
    body = orjson.dumps({"run_id": "20260131T120000-abcd", "partitions": [ONE.to_dict()]})
    store.put("_runs/20260131T120000-abcd.json", body)
    (run,) = read_runs(store, newest=9)
    assert (run.started, run.finished) == (NOON, BIRTH)


def test_a_run_whose_start_nobody_knows_has_no_length():
    store = FakeBucket().store()
    write_run(store, "mine", [ONE])
    (run,) = read_runs(store, newest=9)
    assert (run.started, run.finished, run.seconds) == (None, BIRTH, None)


def test_only_the_newest_runs_are_read_oldest_first():
    store = FakeBucket().store()
    for number in range(12):
        write_run(store, f"run-{number:02d}", [ONE])
    assert [run.run_id for run in read_runs(store, newest=2)] == ["run-10", "run-11"]
    assert store.calls["get_object"] == 2


def test_what_comes_after_the_lake_adds_its_part():
    store = FakeBucket().store()
    write_run(store, "run-1", [ONE])
    add_to_run(store, "run-1", "loads", [1])
    add_to_run(store, "run-1", "others", {"a": 2})
    assert read_run(store, "run-1") == [ONE]
    report = read_report(store, "run-1")
    assert (report["loads"], report["others"]) == ([1], {"a": 2})


def test_a_part_alone_is_a_report_too():
    store = FakeBucket().store()
    assert read_report(store, "run-1") is None
    add_to_run(store, "run-1", "loads", [1])
    assert read_report(store, "run-1") == {"run_id": "run-1", "partitions": [], "loads": [1]}
    assert read_run(store, "run-1") == []
