"""What one load applies: commits, their files by table and layout, and what is counted of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.lake import DataFile, ObjectStore, SegmentCommit, Tail
from transforms.redshift.fences import NO_FENCE, Fences
from transforms.redshift.partials import PartialsTable
from transforms.redshift.plan import LoadPlan
from transforms.redshift.raw import RawTable

Target = TypeVar("Target", RawTable, PartialsTable)

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


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """A commit's file of small tables, and which of them are to be loaded.

    Attributes:
        commit: The commit.
        file: The file.
        tables: The tables that partials in it go to.
    """

    commit: SegmentCommit
    file: DataFile
    tables: tuple[PartialsTable, ...]


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
        tables: What it did to each raw table.
        broker_time: First and last broker time of its commits, milliseconds since 1970 UTC.
        seconds: How long it took.
        star: Dimension or fact -> rows of it that were made anew.
        partials: What it did to each table of partials.
    """

    load_id: int
    tables: dict[str, TableCounts] = field(default_factory=dict)
    broker_time: tuple[int, int] | None = None
    seconds: float = 0.0
    star: dict[str, int] = field(default_factory=dict)
    partials: dict[str, TableCounts] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        """Rows of datasets that it brought."""
        return sum(each.loaded for each in self.tables.values())

    @property
    def rejected(self) -> int:
        """Rows of datasets that COPY refused."""
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
        for raw in _behind(tail, fences, plan.tables):
            result.tables.setdefault(raw.table, TableCounts()).commits += 1
        for partials in _behind(tail, fences, plan.partials):
            result.partials.setdefault(partials.table, TableCounts()).commits += 1
    for _, table, file in _files(tails, fences, plan):
        counts = result.tables[table]
        counts.files += 1
        counts.bytes += file.bytes
        counts.accepted += file.rows
    for sidecar in sidecars(tails, fences, plan):
        for each in sidecar.tables:
            result.partials[each.table].accepted += sidecar.file.tables[each.source]
    times = [tail.commit.broker_time for tail in tails if tail.commit.broker_time]
    if times:
        result.broker_time = (min(a for a, _ in times), max(b for _, b in times))
    return result


def sidecars(tails: Sequence[Tail], fences: Fences, plan: LoadPlan) -> Iterator[Sidecar]:
    """Yields the files that have partials to load, in the order of the commits."""
    for tail in tails:
        behind = list(_behind(tail, fences, plan.partials))
        for file in tail.commit.files:
            held = tuple(each for each in behind if each.source in file.tables)
            if held:
                yield Sidecar(commit=tail.commit, file=file, tables=held)


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
        tables = {each.dataset: each.table for each in _behind(tail, fences, plan.tables)}
        for file in tail.commit.files:
            if file.dataset in tables:
                yield tail.commit, tables[file.dataset], file


def _behind(tail: Tail, fences: Fences, targets: Iterable[Target]) -> Iterator[Target]:
    """Yields the tables that a commit feeds and that haven't got it yet."""
    commit = tail.commit
    for each in targets:
        known = fences.get((commit.owner, each.table), NO_FENCE)
        if commit.topic in each.topics and known.seq < commit.seq:
            yield each
