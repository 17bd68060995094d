"""A small lake on the real S3 server and a schema of the stand-in that it is loaded into."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runners.local import S3
from tests.fakes.lake import DATASET, TOPIC, FakeLake, segment
from tests.faults.lakes import store_settings
from tests.warehouse import Warehouse, login
from transforms.lake import BatchLimits, DataFile, ObjectStore, SegmentCommit, commits
from transforms.redshift import (
    Loader,
    LoadPlan,
    LoadResult,
    RawTable,
    RedshiftSettings,
    Session,
    Statements,
    connect,
    migrate,
    verify_warehouse,
)
from transforms.redshift.star import Binding, Scd2Table, Storage, UpsertTable
from transforms.segment import Segment

TABLE = f"raw_{DATASET}"
#: Bytes of the column ``note``.
NOTE_BYTES = 20
#: A text that has no room in it.
LONG = "x" * (NOTE_BYTES + 1)
Row = tuple[int, int, int]

_NUMBERS = itertools.count(1)


@dataclass
class _Bucket:
    """What ``FakeLake`` needs of a bucket: stores on the real server."""

    root: str
    s3: S3

    def store(self) -> ObjectStore:
        return ObjectStore(self.root, store_settings(self.s3))


def small_plan() -> LoadPlan:
    """Raw rows, and a dimension and a fact of them, so that faults meet their statements, too."""
    rows = wide(0, 1).rows[DATASET].schema
    raw = RawTable(dataset=DATASET, topics=(TOPIC,), schema=rows, lengths={"note": NOTE_BYTES})
    anywhere = Storage(distribution="EVEN")
    orders = Scd2Table(
        table="dim_order",
        raw=raw,
        key="_offset",
        effective="event_time",
        storage=anywhere,
        surrogate="order_key",
        version="_offset",
        tracked=("note",),
    )
    # Each segment has the same numbers, so that all loads touch the same keys.
    numbers = UpsertTable(
        table="fact_number",
        raw=raw,
        key="number",
        effective="event_time",
        storage=anywhere,
        values=("event_time", "_offset", "note", "price"),
        bindings=(
            Binding(column="order_key", dimension=orders, link="_offset", at=("event_time",)),
        ),
    )
    return LoadPlan((raw,), (orders, numbers))


def wide(
    start: int, end: int, *, notes: Sequence[str | None] | None = None, **more: Any
) -> Segment:
    """A segment whose rows have a text, a list, a decimal and a number, too."""
    made = segment(start, end, **more)
    return with_columns(made, notes or [f"é{n}" for n in range(made.rows[DATASET].num_rows)])


def with_columns(made: Segment, notes: Sequence[str | None]) -> Segment:
    """Adds the columns of ``wide`` to a segment's rows."""
    table = made.rows[DATASET]
    count = table.num_rows
    added = {
        "note": pa.array(list(notes), pa.string()),
        "codes": pa.array([["a", "b"] if n % 2 else None for n in range(count)], CODES),
        "price": pa.array([Decimal(n) / 100 for n in range(count)], pa.decimal128(9, 2)),
        "number": pa.array(range(count), pa.int32()),
    }
    for name, values in added.items():
        table = table.append_column(name, values)
    return made.with_rows(DATASET, table)


CODES = pa.list_(pa.field("item", pa.string(), nullable=False))


@dataclass
class Loads:
    """One lake and one schema.

    Attributes:
        warehouse: Connections to look with.
        s3: The server.
        root: The lake's address.
        schema: The schema's name.
    """

    warehouse: Warehouse
    s3: S3
    root: str
    schema: str
    plan: LoadPlan = field(init=False)
    lake: FakeLake = field(init=False)
    _read: dict[str, list[Row]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.plan = small_plan()

    def begin(self, partitions: int = 1) -> "Loads":
        """Makes the lake and the schema."""
        self.begin_lake(partitions=partitions)
        self.migrate()
        return self

    def begin_lake(self, root: str = "", lake_id: str = "lake-1", partitions: int = 1) -> None:
        """Goes on with another lake; the one at its address, if any, is deleted."""
        self.root = root or self.root
        bucket = _Bucket(self.root, self.s3)
        store = bucket.store()
        if keys := [item.key for item in store.walk("")]:
            store.delete(keys)
        self.lake = FakeLake(dict.fromkeys(range(partitions), 0), bucket, lake_id)

    @property
    def store(self) -> ObjectStore:
        return self.lake.store

    @property
    def statements(self) -> Statements:
        return Statements(self.schema)

    def settings(self, **changes: Any) -> RedshiftSettings:
        usual = login(self.warehouse.redshift, self.schema) | {"statement_timeout_s": 60}
        return RedshiftSettings(**(usual | changes))

    def connect(self, **changes: Any) -> Session:
        return connect(self.settings(**changes))

    def migrate(self) -> None:
        session = self.connect()
        migrate(session, self.plan, self.statements)
        session.close()

    def loader(self, connect: Callable[[], Session] | None = None, **arguments: Any) -> Loader:
        usual = {"sleep": lambda _: None, "patience_s": 20.0}
        return Loader(
            self.store,
            self.plan,
            connect or self.connect,
            self.statements,
            **(usual | arguments),
        )

    def load(self, rows: int = 1_000_000, **arguments: Any) -> list[LoadResult]:
        return list(self.loader(limits=BatchLimits(rows=rows), **arguments).load())

    def grow(self, rows: int, *, partition: int = 0, notes: Sequence[str] | None = None) -> None:
        """Commits the next rows of a partition."""
        start = self.lake.lane(partition).fence
        self.lake.write(wide(start, start + rows, partition=partition, notes=notes))

    def process(self, rows: int = 1_000_000) -> str:
        """The argument of `tests.load_process`."""
        given = {
            "root": self.root,
            "store": asdict(store_settings(self.s3)),
            "redshift": asdict(self.settings(patience_s=30.0)),
            "rows": rows,
        }
        return json.dumps(given)

    def rows(self) -> Counter[Row]:
        """What is loaded: partition, offset, row; how often."""
        sql = f'select _partition, _offset, _row from "{self.schema}".{TABLE}'
        return Counter(tuple(row) for row in self.warehouse.all(sql))

    def accepted(self) -> Counter[Row]:
        """What the lake has: each row once."""
        found: Counter[Row] = Counter()
        for tail in commits(self.store, self.lake.manifest):
            found.update(self._rows(tail.commit))
        return found

    def breaches(self) -> list[str]:
        """What the proof of the warehouse finds: nothing, if all is well."""
        session = self.connect()
        try:
            proofs = list(verify_warehouse(self.store, session, self.statements, self.plan))
        finally:
            session.close()
        return [breach.what for proof in proofs for breach in proof.breaches]

    def assert_exact(self) -> None:
        """All that the lake accepted is loaded or rejected, each once; nothing is left over."""
        rejected = Counter((p, o, r) for p, o, r, _ in self.rejects())
        assert self.rows() + rejected == self.accepted()
        assert self.breaches() == []
        assert self.manifests() == []

    def lake_files(self) -> list[DataFile]:
        """All data files that commits name."""
        tails = commits(self.store, self.lake.manifest)
        return [file for tail in tails for file in tail.commit.files]

    def rejects(self) -> list[list[Any]]:
        """Partition, offset, row and reason of what COPY refused."""
        columns = "partition_number, row_offset, row_number, reason"
        order = "order by partition_number, row_offset, row_number"
        return self.warehouse.all(f'select {columns} from "{self.schema}".load_rejects {order}')

    def all(self, sql: str) -> list[list[Any]]:
        """A query; ``{}`` is the schema."""
        return self.warehouse.all(sql.replace("{}", f'"{self.schema}"'))

    def run(self, sql: str) -> None:
        """A statement; ``{}`` is the schema."""
        self.warehouse.run(sql.replace("{}", f'"{self.schema}"'))

    def manifests(self) -> list[str]:
        return [item.key for item in self.store.walk("_manifests/")]

    def _rows(self, commit: SegmentCommit) -> Iterator[Row]:
        for file in commit.files:
            if file.dataset == DATASET:
                # Read once: a file's name holds the digest of its content.
                if file.key not in self._read:
                    self._read[file.key] = self._rows_of(file.key)
                yield from self._read[file.key]

    def _rows_of(self, key: str) -> list[Row]:
        table = pq.read_table(pa.BufferReader(self.store.get(key)))
        columns = [table.column(n).to_pylist() for n in ("_partition", "_offset", "_row")]
        return list(zip(*columns, strict=True))


@pytest.fixture
def loads(warehouse: Warehouse, s3: S3, lake_root: str) -> Loads:
    """A lake with one partition and a migrated schema of its own."""
    return Loads(warehouse, s3, lake_root, f"load_{next(_NUMBERS)}").begin()
