"""What became of loads, in the report of their run."""

from datetime import UTC, datetime

from tests.fakes.object_store import FakeBucket
from transforms.lake import PartitionOutcome, read_run, read_runs
from transforms.lake.runs import write_run
from transforms.redshift import LoadOutcome, LoadResult, TableCounts
from transforms.redshift.outcome import read_loads, write_loads

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST = LoadOutcome(
    result=LoadResult(
        1,
        tables={
            "raw_a": TableCounts(commits=2, files=1, bytes=9, accepted=5, loaded=4, rejected=1)
        },
        partials={"agg_a": TableCounts(commits=2, accepted=3, loaded=3)},
        broker_time=(3, 4),
        seconds=0.5,
    )
)
SECOND = LoadOutcome(result=LoadResult(2))
FAILURE = LoadOutcome(failure="failed", reason="it is away")


def test_outcomes_are_read_as_they_were_written():
    store = FakeBucket().store()
    write_loads(store, "run-1", [SECOND, FAILURE, FIRST])
    assert read_loads(store, "run-1") == [FAILURE, FIRST, SECOND]


def test_they_stand_beside_what_the_run_did_to_the_lake():
    store = FakeBucket().store()
    done = PartitionOutcome(topic="t", topic_id="id", partition=1, wanted=9, fence=9, messages=9)
    write_run(store, "run-1", [done], started=NOON, finished=NOON)
    write_loads(store, "run-1", [FIRST])
    assert read_run(store, "run-1") == [done]
    (run,) = read_runs(store, newest=1)
    assert (run.started, run.finished) == (NOON, NOON)


def test_a_run_that_only_loaded_has_a_report():
    store = FakeBucket().store()
    write_loads(store, "run-1", [FIRST])
    (run,) = read_runs(store, newest=1)
    assert (run.run_id, run.partitions) == ("run-1", ())


def test_a_run_without_a_load_says_nothing_of_loads():
    store = FakeBucket().store()
    assert read_loads(store, "run-1") == []
    write_run(store, "run-1", [])
    assert read_loads(store, "run-1") == []
