"""What one load applies: commits, their files by table and layout, and what is counted of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.lake import DataFile, ObjectStore, SegmentCommit, Tail
from transforms.redshift.fences import NO_FENCE, Fences
from transforms.redshift.plan import LoadPlan

_EPOCH: Final = datetime(1970, 1, 1)
_FIRST_MS: Final = (datetime.min - _EPOCH) // timedelta(milliseconds=1)
_LAST_MS: Final = (datetime.max - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Files of one table and one layout: one manifest, one COPY.

    Attributes:
        table: Where their rows go.
        layout: Fingerprint of their columns.
        files: The files, each with its commit.
    """

    table: str
    layout: str
    files: Sequence[tuple[SegmentCommit, DataFile]]


@dataclass
class TableCounts:
    """What a load does to one table."""

    commits: int = 0
    files: int = 0
    bytes: int = 0
    accepted: int = 0
    loaded: int = 0
    rejected: int = 0


@dataclass
class LoadResult:
    """One committed load.

    Attributes:
        load_id: Its number.
        tables: What it did to each table.
        broker_time: First and last broker time of its commits, milliseconds since 1970 UTC.
        seconds: How long it took.
        star: Dimension or fact -> rows of it that were made anew.
    """

    load_id: int
    tables: dict[str, TableCounts] = field(default_factory=dict)
    broker_time: tuple[int, int] | None = None
    seconds: float = 0.0
    star: dict[str, int] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        """Rows that it brought."""
        return sum(each.loaded for each in self.tables.values())

    @property
    def rejected(self) -> int:
        """Rows that COPY refused."""
        return sum(each.rejected for each in self.tables.values())


def groups(tails: Sequence[Tail], fences: Fences, plan: LoadPlan) -> list[Group]:
    """Returns the files to load, by table and layout, in the order of the commits."""
    found: dict[tuple[str, str], list[tuple[SegmentCommit, DataFile]]] = {}
    for commit, table, file in _files(tails, fences, plan):
        found.setdefault((table, file.layout), []).append((commit, file))
    return [Group(table=t, layout=layout, files=files) for (t, layout), files in found.items()]


def counted(tails: Sequence[Tail], fences: Fences, plan: LoadPlan, load_id: int) -> LoadResult:
    """Returns a result that knows what is to be done; the loads add what was."""
    result = LoadResult(load_id)
    for tail in tails:
        for target in plan.of(tail.commit.topic):
            if fences.get((tail.commit.owner, target.table), NO_FENCE).seq < tail.commit.seq:
                result.tables.setdefault(target.table, TableCounts()).commits += 1
    for _, table, file in _files(tails, fences, plan):
        counts = result.tables[table]
        counts.files += 1
        counts.bytes += file.bytes
        counts.accepted += file.rows
    times = [tail.commit.broker_time for tail in tails if tail.commit.broker_time]
    if times:
        result.broker_time = (min(a for a, _ in times), max(b for _, b in times))
    return result


def moment(milliseconds: int | None) -> datetime | None:
    """Returns a broker time as TIMESTAMP takes it: UTC, without a zone.

    None too for one that no calendar of four-digit years has: producers may set any.
    """
    if milliseconds is None or not _FIRST_MS <= milliseconds <= _LAST_MS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


class Layouts:
    """Schemas of layouts, each read once from one of its files."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._schemas: dict[str, pa.Schema] = {}

    def schema(self, layout: str, file: DataFile) -> pa.Schema:
        """Returns the schema of a file of the layout."""
        if layout not in self._schemas:
            body = pa.BufferReader(self._store.get(file.key))
            self._schemas[layout] = pq.read_schema(body).remove_metadata()
        return self._schemas[layout]


def _files(
    tails: Sequence[Tail], fences: Fences, plan: LoadPlan
) -> Iterator[tuple[SegmentCommit, str, DataFile]]:
    for tail in tails:
        commit = tail.commit
        tables: Mapping[str, str] = {each.dataset: each.table for each in plan.of(commit.topic)}
        for file in commit.files:
            table = tables.get(file.dataset)
            if table is None or fences.get((commit.owner, table), NO_FENCE).seq >= commit.seq:
                continue
            yield commit, table, file
