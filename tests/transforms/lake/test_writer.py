"""Writing one segment: trimmed, stored, committed, and never stopped by a bug."""

import itertools
import logging
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.lake.test_chain import grow
from tests.transforms.segments import DATASET, LAYOUTS, OWNER, raw_segment, segment, with_verdicts
from transforms.errors import (
    ConfigurationError,
    ContentionError,
    LakeMismatchError,
    StoreUnavailableError,
)
from transforms.guard import QUARANTINED
from transforms.lake.files import small_tables
from transforms.lake.names import SIDECAR, parse_data_key
from transforms.lake.writer import (
    SegmentWriter,
    count_dispositions,
    filtered_runs,
    hash_offsets,
    runs,
)
from transforms.segment import DEAD_LETTER, PARKED, Segment


class Lost:
    """A derived table of what was not accepted."""

    name = "lost"

    def setup(self):
        pass

    def derive(self, segment: Segment) -> pa.Table:
        return segment.disposed.select(["offset"])


class Fails:
    """A derived table whose code has a bug for some segments."""

    name = "fails"

    def __init__(self, fails):
        self.fails = fails

    def setup(self):
        pass

    def derive(self, segment: Segment) -> pa.Table:
        if self.fails(segment):
            raise ValueError("patient John Doe")
        return pa.table({"offset": pa.array([], pa.int64())})


class Partition:
    """One process's view of a partition that begins at 0."""

    def __init__(self, start=0, patience_s=120.0):
        self.bucket = FakeBucket()
        born(self.bucket, start)
        self.store = self.bucket.store(patience_s=patience_s)
        self.lane = new_lane(self.store)
        self.lane.begin(1_000_000)

    def write(self, segment, *derived):
        SegmentWriter(LAYOUTS, derived, "me").write(self.lane, segment)

    def commits(self):
        chain = new_lane(self.bucket.store()).chain
        return [tail.commit for tail in chain.read_from(1)]

    def data(self):
        return {key for key in self.store.content if key.startswith("data/")}


@pytest.fixture
def partition():
    return Partition()


class TestCommit:
    def test_it_tells_all_that_became_of_the_segment(self, partition):
        made = with_verdicts(raw_segment(0, 20, range(2, 19)), dead=[3], gone=[5, 6, 9])
        made = replace(made, gaps=((0, 2),), versions={"schema.events": "ff"})
        partition.write(made.dispose(PARKED, np.array([4]), ["reference"]), Lost())
        (commit,) = partition.commits()
        assert (commit.start, commit.end, commit.messages) == (0, 20, 17)
        assert commit.dispositions == {
            "accepted": {"": 12},
            "dead_letter": {"because": 1},
            "filtered": {"because": 3},
            "parked": {"reference": 1},
        }
        assert commit.filtered == {"because": ((5, 7), (9, 10))}
        assert commit.gaps == ((0, 2),)
        assert commit.versions == {"schema.events": "ff"}
        assert commit.offsets_sha256 == hash_offsets(np.arange(2, 19))
        first = made.messages.column("timestamp").to_pylist()[0].timestamp() * 1000
        assert commit.broker_time == (first, first + 16_000)
        assert commit.writer == "me"
        assert {file.dataset for file in commit.files} == {DATASET, SIDECAR}

    def test_files_are_stored_before_the_commit(self, partition):
        partition.write(with_verdicts(raw_segment(0, 9), dead=[1]), Lost())
        puts = [key.split("/")[0] for op, key in partition.store.keys if op == "put_object"]
        assert puts == ["data", "data", "_commits"]

    def test_an_empty_range_is_committed_without_files(self, partition):
        partition.write(segment(0, 7, []))
        (commit,) = partition.commits()
        assert (commit.end, commit.messages, commit.files) == (7, 0, ())
        assert commit.broker_time is commit.event_time is None
        assert commit.dispositions == {}

    def test_the_win_is_counted(self, partition):
        partition.write(segment(0, 9))
        outcome = partition.lane.outcome()
        assert (outcome.fence, outcome.messages) == (9, 9)


class TestTrim:
    def test_a_straddling_segment_is_rewritten_from_the_fence_on(self, partition):
        partition.write(segment(0, 10))
        made = with_verdicts(raw_segment(4, 20), dead=[5, 12], gone=[6, 13])
        partition.write(replace(made, gaps=((4, 5), (10, 11))), Lost())
        commit = partition.commits()[-1]
        assert (commit.start, commit.end, commit.messages) == (10, 20, 10)
        assert commit.filtered == {"because": ((13, 14),)}
        assert commit.gaps == ((10, 11),)
        for file in commit.files:
            name = parse_data_key(file.key)
            assert (name.owner, name.start, name.end) == (OWNER, 10, 20)
            body = partition.store.content[file.key]
            if file.dataset == SIDECAR:
                held = small_tables(body)["lost"].column("offset").to_pylist()
                assert held == [12, 13]
            else:
                held = pq.read_table(pa.BufferReader(body)).column("_offset").to_pylist()
                assert held == [10, 11, *range(14, 20)]
                assert b"row 9" not in body

    def test_a_segment_below_the_fence_does_nothing(self, partition):
        partition.write(segment(0, 10))
        before = partition.store.content
        partition.write(segment(0, 10))
        partition.write(segment(3, 7))
        assert partition.store.content == before

    def test_a_segment_above_the_fence_does_nothing(self, partition, caplog):
        before = partition.store.content
        partition.write(segment(1, 10))
        assert partition.store.content == before
        assert "begins above the fence 0" in caplog.text

    def test_a_foreign_commit_in_between_makes_it_trim_and_write_new_files(self, partition):
        other = partition.bucket.store()
        partition.store.before(lambda: grow(other, 1), "put_object", key="_commits/")
        partition.write(segment(0, 15))
        assert [(c.start, c.end, c.writer) for c in partition.commits()] == [
            (0, 10, "other"),
            (10, 15, "me"),
        ]
        named = {file.key for commit in partition.commits() for file in commit.files}
        assert len(named) == 1
        assert len(partition.data() - named) == 1  # The first try is an orphan.

    def test_a_foreign_commit_over_the_whole_range_leaves_nothing_to_do(self, partition):
        other = partition.bucket.store()
        partition.store.before(lambda: grow(other, 2), "put_object", key="_commits/")
        partition.write(segment(0, 15))
        assert [c.writer for c in partition.commits()] == ["other", "other"]
        assert partition.lane.outcome() is None

    def test_five_foreign_commits_in_a_row_stop_it(self, partition):
        other = partition.bucket.store()
        for n in range(5):
            partition.store.before(lambda: grow(other, 1), "put_object", key=f"000{n + 1}.json")
        with pytest.raises(ContentionError, match="the writer other took 5"):
            partition.write(segment(0, 100))
        assert len(partition.commits()) == 5


class TestKeys:
    """A chain holds on to the keys that its rows were masked with."""

    def test_a_later_commit_carries_on_the_checks_of_the_keys_before(self, partition):
        partition.write(replace(segment(0, 9), versions={"key.v1": "aa", "masking.events": "x"}))
        partition.write(replace(segment(9, 12), versions={"key.v2": "bb"}))
        partition.write(segment(12, 14, []))
        assert partition.commits()[-1].versions == {"key.v1": "aa", "key.v2": "bb"}

    @pytest.mark.parametrize("name", ["key.v1", "key.link"])
    def test_another_key_of_the_same_name_is_refused_and_leaves_no_files(self, partition, name):
        partition.write(replace(segment(0, 9), versions={name: "aa"}))
        partition.write(segment(9, 12))
        files = partition.data()
        with pytest.raises(LakeMismatchError, match=name.removeprefix("key.")):
            partition.write(replace(segment(12, 20), versions={name: "bb"}))
        assert partition.data() == files
        assert len(partition.commits()) == 2
        partition.write(replace(segment(12, 20), versions={name: "aa"}))

    def test_what_another_writer_used_counts_when_its_commit_comes_first(self, partition):
        other = Partition.__new__(Partition)
        other.lane = new_lane(partition.bucket.store())
        other.lane.begin(1_000_000)
        other.write(replace(segment(0, 5), versions={"key.v1": "bb"}))
        with pytest.raises(LakeMismatchError):
            partition.write(replace(segment(0, 9), versions={"key.v1": "aa"}))


class TestBugs:
    def test_a_fault_that_passes_is_tried_again(self, partition):
        left = [True, True]
        partition.write(segment(0, 9), Fails(lambda _: left and left.pop()))
        assert partition.commits()[0].dispositions == {"accepted": {"": 9}}

    def test_a_small_segment_that_keeps_failing_is_quarantined_whole(self, partition, caplog):
        failing = Fails(lambda s: s.disposed.num_rows == 0)
        partition.write(segment(0, 9), failing, Lost())
        (commit,) = partition.commits()
        assert commit.dispositions == {DEAD_LETTER: {QUARANTINED: 9}}
        assert caplog.text.count("ALARM") == 3
        assert "John Doe" not in caplog.text

    def test_a_large_one_is_cut_until_the_fault_is_cornered(self, partition):
        failing = Fails(lambda s: 1_500 in s.offsets and s.disposed.num_rows == 0)
        partition.write(segment(0, 4_000), failing)
        commits = partition.commits()
        assert [(c.start, c.end) for c in commits] == [(0, 1000), (1000, 2000), (2000, 4000)]
        lost = [c.count(DEAD_LETTER) for c in commits]
        assert lost == [0, 1000, 0]

    @pytest.mark.parametrize("length", [0, 9])
    def test_what_fails_even_in_quarantine_stops_the_partition(self, partition, length):
        with pytest.raises(ValueError, match="John"):
            partition.write(segment(0, 9, range(length)), Fails(lambda _: True))
        assert partition.commits() == []

    def test_a_segment_that_breaks_an_invariant_is_quarantined_not_committed(self, partition):
        broken = replace(segment(0, 9), rows={DATASET: segment(0, 8).rows[DATASET]})
        partition.write(broken)
        assert partition.commits()[0].dispositions == {DEAD_LETTER: {QUARANTINED: 9}}


class TestStore:
    def test_an_outage_is_no_fault_of_the_segment(self):
        partition = Partition(patience_s=1.0)
        partition.store.fail(Fault.LOST_REQUEST, "put_object", key="data/", times=99)
        with pytest.raises(StoreUnavailableError):
            partition.write(segment(0, 9))
        assert partition.commits() == []

    def test_a_refusal_is_none_either(self, partition):
        partition.store.fail(Fault.DENIED, "put_object", key="data/")
        with pytest.raises(ConfigurationError):
            partition.write(segment(0, 9))
        assert partition.store.calls["put_object"] == 1

    def test_a_short_outage_is_waited_out(self, partition, caplog):
        caplog.set_level(logging.ERROR)
        partition.store.fail(Fault.LOST_REPLY, "put_object", key="data/", times=3)
        partition.write(segment(0, 9))
        assert partition.commits()[0].count("accepted") == 9
        assert caplog.text == ""


class TestPieces:
    @given(st.sets(st.integers(0, 60)))
    def test_runs_hold_exactly_their_numbers(self, numbers):
        found = runs(np.array(sorted(numbers), np.int64))
        assert [n for a, b in found for n in range(a, b)] == sorted(numbers)
        assert all(left[1] < right[0] for left, right in itertools.pairwise(found))

    def test_the_hash_of_offsets_is_of_little_endian_int64(self):
        known = "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"
        assert hash_offsets(np.array([1], np.int32)) == hash_offsets(np.array([1], ">i8")) == known

    def test_reasons_are_counted_apart(self):
        made = segment(0, 6).dispose(DEAD_LETTER, np.array([0, 2, 4]), ["a", "b", "a"])
        assert count_dispositions(made) == {"accepted": {"": 3}, "dead_letter": {"a": 2, "b": 1}}
        assert filtered_runs(made.disposed) == {}
