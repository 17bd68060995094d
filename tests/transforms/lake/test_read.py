"""Reading through the commits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pyarrow import fs

from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import LAKE_ID, born, new_lane
from tests.transforms.segments import DATASET, LAYOUTS, NOON, OWNER, raw_segment, with_verdicts
from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.lake import commits, owners, read, read_dataset, read_small_tables, require_lake
from transforms.lake.names import PartitionId
from transforms.lake.writer import SegmentWriter
from transforms.segment import Segment


class Lost:
    """What was not accepted."""

    name = "lost"

    def setup(self):
        pass

    def derive(self, segment: Segment):
        return segment.disposed.select(["offset"])


def write(bucket, start, end, owner=OWNER, **verdicts):
    lane = new_lane(bucket.store(), owner)
    lane.begin(end)
    made = with_verdicts(raw_segment(start, end, owner=owner), **verdicts)
    SegmentWriter(LAYOUTS, [Lost()], "me").write(lane, made)


@pytest.fixture
def bucket():
    made = FakeBucket()
    born(made)
    born(made, owner=PartitionId("another", "id", 0))
    write(made, 0, 10, dead=[3])
    write(made, 10, 15)
    return made


@pytest.fixture
def store(bucket):
    return bucket.store()


@pytest.fixture
def on_disk(bucket, tmp_path, monkeypatch):
    """Lets ``read_dataset`` find the bucket's objects in a folder."""

    def copied():
        for key, body in bucket.objects.items():
            path = tmp_path / "bucket" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)

    monkeypatch.setattr(read, "ObjectStore", lambda root, _settings: bucket.store(root))
    local = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(read, "file_system", lambda _store: local)
    return copied


def offsets(**how):
    table = read_dataset("s3://bucket/lake", DATASET, **how).to_table()
    return sorted(table.column("_offset").to_pylist())


class TestCommits:
    def test_the_chains_of_some_topics_are_found_without_asking_for_others(self, store):
        assert owners(store, {OWNER.topic}) == [OWNER]
        assert owners(store, ()) == []
        assert not [key for _, key in store.keys if "_commits/another/" in key]

    def test_all_chains_are_found(self, store):
        assert owners(store) == [PartitionId("another", "id", 0), OWNER]
        found = [(t.commit.topic, t.commit.seq) for t in commits(store, require_lake(store))]
        assert found == [("another", 0), *((OWNER.topic, seq) for seq in range(3))]

    def test_no_lake_is_said_so(self):
        with pytest.raises(LakeMismatchError, match="there is no lake at"):
            require_lake(FakeBucket().store())

    def test_small_tables_come_with_their_commit(self, store):
        first, second = (new_lane(store).chain.read(seq).commit for seq in (1, 2))
        assert read_small_tables(store, first)["lost"].column("offset").to_pylist() == [3]
        assert read_small_tables(store, second) == {}


class TestDataset:
    def test_it_holds_the_committed_rows_once(self, on_disk):
        on_disk()
        assert offsets() == [0, 1, 2, *range(4, 15)]

    def test_an_orphan_is_not_read(self, bucket, on_disk):
        before = dict(bucket.objects)
        write(bucket, 15, 20)
        commit = OWNER.commit_key(3)
        bucket.objects = {k: v for k, v in bucket.objects.items() if not k.endswith(commit)}
        assert len(bucket.objects) == len(before) + 1
        on_disk()
        assert offsets() == [0, 1, 2, *range(4, 15)]

    def test_files_out_of_the_time_asked_for_are_left_out(self, on_disk):
        on_disk()
        assert offsets(since=NOON, until=NOON + timedelta(seconds=1)) == offsets()
        for empty in ({"since": NOON + timedelta(seconds=1)}, {"until": NOON}):
            with pytest.raises(ConfigurationError, match="in that time"):
                offsets(**empty)

    def test_a_time_without_a_zone_is_refused(self, on_disk):
        on_disk()
        with pytest.raises(ConfigurationError, match="has no zone"):
            offsets(since=datetime(2026, 1, 1))

    def test_an_unknown_dataset_is_named(self, on_disk):
        on_disk()
        with pytest.raises(ConfigurationError, match="no rows of the dataset 'nothere'"):
            read_dataset("s3://bucket/lake", "nothere")

    def test_files_without_any_event_time_are_read_only_when_no_time_is_asked_for(self):
        file = replace(_any_file(), event_time=None)
        assert read._overlaps(file, None, None)
        assert not read._overlaps(file, datetime(2000, 1, 1, tzinfo=UTC), None)


def _any_file():
    bucket = FakeBucket()
    born(bucket)
    write(bucket, 0, 5)
    chain = new_lane(bucket.store()).chain
    assert chain.lake_id == LAKE_ID
    return chain.read(1).commit.files[0]
