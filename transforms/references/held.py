"""The versions of references as a process holds them, grown by what is committed later."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.errors import ConfigurationError
from transforms.lake import CommitChain, DataFile, Mark, ObjectStore, PartitionId, Tail, find_lake
from transforms.lake.new_commits import BEGINNING, following, mark_of
from transforms.references.joins import pruned_join, rows_of
from transforms.references.spec import ReferenceSpec
from transforms.references.versions import plain, public, with_lineage
from transforms.sql import Engine, Join
from transforms.sql.functions import FUNCTIONS

#: What decides on the rows of a reference: two that are alike in it are held once.
Source = tuple[str, str, str, str, bool]


def source_of(spec: ReferenceSpec) -> Source:
    """Returns what decides on the rows of a reference."""
    linked = spec.link is not None
    return (spec.dataset, spec.where or "", spec.key, spec.effective, linked)


class HeldRows:
    """The versions of one reference's keys; never changed, and shared by all threads.

    Args:
        table: Versions with their lineage; None where nothing is committed yet.
    """

    def __init__(self, table: pa.Table | None = None) -> None:
        self.table = table
        self._joins: dict[tuple[str, str, frozenset[str]], Join] = {}

    def join(self, name: str, dataset: str, spec: ReferenceSpec, needed: Iterable[str]) -> Join:
        """Returns it for expressions over a dataset, see ``pruned_join``; the rows must be there.

        Kept: what the engine makes of a join costs more than a segment's verdicts.
        """
        key = (name, dataset, frozenset(needed))
        if key not in self._joins:
            self._joins[key] = pruned_join(name, spec, dataset, public(self.table), key[2])
        return self._joins[key]


@dataclass(frozen=True, kw_only=True)
class Held:
    """All references as of a place in the lake's chains; never changed.

    Attributes:
        position: Per partition the last commit that counts.
        rows: What is held of each source.
        digest: Sum of the digests of the keys of all files that count: it grows with them, in any
            order, and no list of them is held.
    """

    position: Mapping[PartitionId, Mark] = field(default_factory=dict)
    rows: Mapping[Source, HeldRows] = field(default_factory=dict)
    digest: int = 0

    @property
    def version(self) -> str:
        """A short hash of the files that count: their keys name their content."""
        return f"{self.digest:064x}"[:16]

    def of(self, spec: ReferenceSpec) -> HeldRows:
        """Returns the rows of a reference."""
        return self.rows.get(source_of(spec), _NOTHING)


_NOTHING = HeldRows()


def grown(
    held: Held,
    store: ObjectStore,
    specs: Iterable[ReferenceSpec],
    ends: Mapping[PartitionId, int | None],
) -> Held:
    """Returns what is held with what was committed since; rows that didn't change are shared.

    Args:
        held: As it is; ``Held()`` to begin with.
        store: The lake's objects. Where there is no lake yet, nothing counts.
        specs: All references.
        ends: The partitions to read, and the offset below which their commits count; None for all
            that there are.

    Raises:
        ConfigurationError: The committed rows lack the column by which they are looked up.
        StoreUnavailableError: S3 was away for longer than the store's patience.
    """
    lake = find_lake(store)
    if lake is None:
        return held
    sources = {source_of(spec): spec for spec in specs}
    wanted = {spec.dataset for spec in sources.values()}
    position = dict(held.position)
    files: list[DataFile] = []
    for owner in sorted(ends):
        chain = CommitChain(store, owner, lake.lake_id)
        for tail in _after(chain, position.get(owner, BEGINNING), ends[owner]):
            position[owner] = mark_of(tail)
            files += [file for file in tail.commit.files if file.dataset in wanted]
    rows = dict(held.rows)
    engine = Engine(FUNCTIONS) if files else None
    for source, spec in sources.items():
        mine = [file for file in files if file.dataset == spec.dataset]
        if engine is not None and mine:
            rows[source] = _with(rows.get(source, _NOTHING), spec, _read(store, mine, spec, engine))
    digest = (held.digest + sum(_digest(file.key) for file in files)) % 2**256
    return Held(position=position, rows=rows, digest=digest)


def _after(chain: CommitChain, mark: Mark, end: int | None) -> Iterator[Tail]:
    while (tail := following(chain, mark)) is not None:
        if end is not None and tail.fence > end:
            return
        yield tail
        mark = mark_of(tail)


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest())


def _read(
    store: ObjectStore, files: Sequence[DataFile], spec: ReferenceSpec, engine: Engine
) -> list[pa.Table]:
    # File by file: of a large dataset only the rows that count are held.
    tables = [rows_of(engine, spec, _rows(store, file)) for file in files]
    if spec.link is not None:
        # Older rows may have no link yet, and no policy takes one away.
        tables = [each for each in tables if spec.key in each.column_names]
    return tables


def _rows(store: ObjectStore, file: DataFile) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.get(file.key))).replace_schema_metadata()


def _with(held: HeldRows, spec: ReferenceSpec, tables: Sequence[pa.Table]) -> HeldRows:
    if not tables or (held.table is not None and not any(each.num_rows for each in tables)):
        return held
    known = [] if held.table is None else [held.table]
    pieces = [*known, *(plain(each, spec) for each in tables)]
    rows = pa.concat_tables(pieces, promote_options="default").unify_dictionaries()
    for column in (spec.key, spec.effective):
        if column not in rows.column_names:
            raise ConfigurationError(
                f"the lake's dataset {spec.dataset} has no column {column}, by which it is "
                "looked up",
                "A masking policy that drops it rules out the reference: keep the column, or "
                "take the reference out",
            )
    return HeldRows(with_lineage(rows, spec).combine_chunks())
