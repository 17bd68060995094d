from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from tests.benchmarks.streams.commit_watch import Seen
from tests.benchmarks.streams.figures import produced, rate
from transforms.lake import SegmentCommit

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def seen(end, at, *, messages=10, partition=0, seq=1):
    commit = SegmentCommit(
        lake_id="l", cluster_id="c", topic="t", topic_id="i", partition=partition, seq=seq,
        start=end - messages, end=end, prev="p", messages=messages,
    )  # fmt: skip
    return Seen(commit, at)


class TestRate:
    def test_the_window_goes_from_commit_to_commit(self):
        commits = [seen(10, 95.0), seen(20, 104.0), seen(30, 113.0), seen(40, 121.0)]
        found = rate(commits, begin=100, end=120)
        assert (found.messages, found.seconds) == (20, 18.0)

    def test_a_window_without_commits_has_no_rate(self):
        for commits in ([], [seen(10, 95.0)], [seen(10, 110.0)]):
            with pytest.raises(RuntimeError, match="no commit"):
                rate(commits, begin=100, end=120)


def rows(*places):
    topics, partitions, offsets, seconds = zip(*places, strict=True)
    stamps = [NOON + timedelta(seconds=each) for each in seconds]
    return pa.table(
        {
            "_topic": pa.array(topics),
            "_partition": pa.array(partitions, pa.int32()),
            "_offset": pa.array(offsets, pa.int64()),
            "_timestamp": pa.array(stamps, pa.timestamp("ms", "UTC")),
        }
    )


def test_each_row_is_told_by_the_commit_that_holds_it():
    commits = [seen(10, 1.0, seq=1), seen(20, 2.0, seq=2), seen(5, 3.0, partition=1, seq=1)]
    table = rows(("t", 0, 0, 1), ("t", 0, 9, 1), ("t", 0, 10, 1), ("t", 1, 4, 2), ("t", 0, 11, 3))
    noon = NOON.replace(tzinfo=None)
    assert sorted(produced(table, commits)) == [
        (("t", 0, 1), noon + timedelta(seconds=1), 2),
        (("t", 0, 2), noon + timedelta(seconds=1), 1),
        (("t", 0, 2), noon + timedelta(seconds=3), 1),
        (("t", 1, 1), noon + timedelta(seconds=2), 1),
    ]
