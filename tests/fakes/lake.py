"""A small lake on the fake store, written by the real writer, and the means to damage it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fakes.object_store import FakeBucket, FakeObjectStore
from transforms.avro.enforce import LINEAGE
from transforms.derived import DerivedTable
from transforms.lake import (
    CommitChain,
    DatasetLayout,
    LakeSettings,
    PartitionId,
    SegmentCommit,
    open_lake,
)
from transforms.lake.commit import DataFile, digest, parse_commit
from transforms.lake.genesis import TopicBirth, ensure_genesis
from transforms.lake.lanes import Lane
from transforms.lake.names import SIDECAR
from transforms.lake.writer import SegmentWriter
from transforms.quality import SealDeadLetters
from transforms.quality.sealing import Seal
from transforms.segment import DEAD_LETTER, FILTERED, MESSAGES_SCHEMA, PARKED, Segment

TOPIC, TOPIC_ID, CLUSTER = "orders.v1", "AbC_d-e", "cluster-1"
DATASET = "order"
KEY = "11" * 32
#: 2026-01-31T00:00:00Z in milliseconds.
DAY_MS = 1_769_817_600_000
MIDNIGHT = datetime.fromtimestamp(DAY_MS / 1000, UTC)
#: A commit of nothing.
BLANK = SegmentCommit(
    lake_id="lake-1",
    cluster_id=CLUSTER,
    topic=TOPIC,
    topic_id=TOPIC_ID,
    partition=0,
    seq=1,
    start=0,
    end=9,
    prev="",
)
LAYOUTS = {DATASET: DatasetLayout(event_time="event_time")}

_TABLE = pa.schema([*LINEAGE, pa.field("event_time", pa.timestamp("us", "UTC"))])


class FakeLake:
    """A lake with one topic.

    Args:
        starts: First offset of each partition.
        bucket: Where it is kept.
        lake_id: Its name.
    """

    def __init__(
        self,
        starts: Mapping[int, int] | None = None,
        bucket: FakeBucket | None = None,
        lake_id: str = "lake-1",
    ) -> None:
        self.bucket = bucket or FakeBucket()
        self.store: FakeObjectStore = self.bucket.store()
        self.manifest = open_lake(self.store, LakeSettings(), lambda: lake_id)
        self.begin(TOPIC_ID, starts or {0: 0})

    def begin(self, topic_id: str, starts: Mapping[int, int]) -> None:
        """Makes the genesis commits of a topic."""
        birth = TopicBirth(
            topic=TOPIC, topic_id=topic_id, cluster_id=CLUSTER, how="earliest", starts=starts
        )
        ensure_genesis(self.store, self.manifest, birth, starts)

    def lane(self, partition: int = 0) -> Lane:
        """Returns a partition as a new process sees it."""
        owner = PartitionId(TOPIC, TOPIC_ID, partition)
        lane = Lane(CommitChain(self.store, owner, self.manifest.lake_id), None)  # type: ignore[arg-type]
        lane.begin(0)
        return lane

    def write(self, *segments: Segment) -> None:
        """Commits segments."""
        for segment in segments:
            writer().write(self.lane(segment.partition), segment)

    def commit(self, seq: int, partition: int = 0) -> SegmentCommit:
        """Returns a commit."""
        key = PartitionId(TOPIC, TOPIC_ID, partition).commit_key(seq)
        return parse_commit(self.store.content[key], key)

    def data_file(self, seq: int, dataset: str = DATASET) -> DataFile:
        """Returns the first file of a dataset in a commit of partition 0."""
        return next(f for f in self.commit(seq).files if f.dataset == dataset)

    def sidecar(self, seq: int) -> DataFile:
        """Returns the sidecar file of a commit."""
        return self.data_file(seq, SIDECAR)

    def change(self, seq: int, change: Callable[[SegmentCommit], SegmentCommit]) -> None:
        """Falsifies a commit as one would who mends the hashes of the chain behind it."""
        changed = change(self.commit(seq))
        body = changed.to_bytes()
        key = PartitionId(TOPIC, TOPIC_ID, 0).commit_key(seq)
        self.store.plant(key, body)
        following = PartitionId(TOPIC, TOPIC_ID, 0).commit_key(seq + 1)
        if following in self.store.content:
            self.change(seq + 1, lambda after: replace(after, prev=digest(body)))

    def change_file(self, seq: int, old: DataFile, **changes: Any) -> None:
        """Falsifies what a commit says of a file."""
        self.change(
            seq,
            lambda c: replace(
                c, files=tuple(replace(f, **changes) if f == old else f for f in c.files)
            ),
        )

    def change_rows(
        self, seq: int, change: Callable[[pa.Table], pa.Table], **recorded: Any
    ) -> None:
        """Falsifies a data file's rows, and its size, hash and name in the commit."""
        old = self.data_file(seq)
        parquet = pq.read_table(pa.BufferReader(self.store.content[old.key]))
        sink = pa.BufferOutputStream()
        pq.write_table(change(parquet), sink)
        body = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(body).hexdigest()
        key = old.key.replace(old.sha256[:16], sha256[:16])
        self.store.plant(old.key, None)
        self.store.plant(key, body)
        self.change_file(seq, old, key=key, bytes=len(body), sha256=sha256, **recorded)


def writer(*more: DerivedTable) -> SegmentWriter:
    """Returns a writer of some derived tables, whose dead letters are sealed with ``KEY``."""
    sealing = SealDeadLetters("env:UNUSED")
    sealing._seal = Seal(KEY)
    return SegmentWriter(LAYOUTS, (sealing, *more), "test/1")


def messages(offsets: Sequence[int]) -> pa.Table:
    """Returns the messages of some offsets; all of a message follows from its offset."""
    return pa.table(
        {
            "offset": pa.array(offsets, pa.int64()),
            "timestamp": pa.array([DAY_MS + o for o in offsets], pa.int64()).cast(
                MESSAGES_SCHEMA.field("timestamp").type
            ),
            "key": pa.array([b"k%d" % o for o in offsets], pa.binary()),
            "value": pa.array([b"value %d" % o for o in offsets], pa.binary()),
            "headers": pa.array(
                [[{"key": "h", "value": b"%d" % o}] if o % 2 else None for o in offsets],
                MESSAGES_SCHEMA.field("headers").type,
            ),
        },
        schema=MESSAGES_SCHEMA,
    )


def segment(
    start: int,
    end: int,
    *,
    holes: Sequence[int] = (),
    dead: Sequence[int] = (),
    parked: Sequence[int] = (),
    filtered: Sequence[int] = (),
    gaps: Sequence[tuple[int, int]] = (),
    partition: int = 0,
    rows_each: int = 1,
) -> Segment:
    """Returns a segment; every 100th offset is of the day before."""
    gone = {o for a, b in gaps for o in range(a, b)} | set(holes)
    offsets = [o for o in range(start, end) if o not in gone]
    made = Segment(
        topic=TOPIC,
        topic_id=TOPIC_ID,
        partition=partition,
        start=start,
        end=end,
        messages=messages(offsets),
        gaps=tuple(gaps),
        rows={DATASET: _rows(offsets, partition, rows_each)},
        versions={"schema.order": "1"},
    )
    for disposition, listed in ((DEAD_LETTER, dead), (PARKED, parked), (FILTERED, filtered)):
        some = np.array(sorted(listed), np.int64)
        made = made.dispose(disposition, some, [f"reason_{o % 2}" for o in some])
    return made


def _rows(offsets: Sequence[int], partition: int, each: int) -> pa.Table:
    repeated = np.repeat(np.array(offsets, np.int64), each)
    count = len(repeated)
    events = (DAY_MS + repeated) * 1000 - (repeated % 100 == 0) * 86_400_000_000
    columns = {
        "_topic": [TOPIC] * count,
        "_topic_id": [TOPIC_ID] * count,
        "_partition": np.full(count, partition),
        "_offset": repeated,
        "_row": np.tile(np.arange(each), len(offsets)),
        "_timestamp": DAY_MS + repeated,
        "_schema_id": ["1"] * count,
        "event_time": events,
    }
    return pa.table([pa.array(columns[f.name]).cast(f.type) for f in _TABLE], schema=_TABLE)
