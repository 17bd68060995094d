"""The proof of partials: those of each commit are there once, and add up to the same.

Both sides are told in a few numbers a commit: how many partials it has, of which definition, and
the sum of each measure that adds up.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.lake import (
    CommitChain,
    ObjectStore,
    PartitionId,
    SegmentCommit,
    read_small_tables,
)
from transforms.lake.verify import Breach
from transforms.redshift.client import Session
from transforms.redshift.fences import Fence
from transforms.redshift.partials import DEFINITION, PartialsTable
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.verify_fences import breach

#: A partition, and the number of a commit in its chain.
Place = tuple[PartitionId, int]
#: By commit, which of its partials were rejected: their places among them.
Rejected = Mapping[Place, Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What is told of a commit's partials.

    Attributes:
        rows: How many there are; in the lake, with those that were rejected.
        definitions: The first and the last digest of their definitions, which should be the same.
        sums: Of each measure that adds up; in the lake, without those that were rejected. None
            where nothing was added.
    """

    rows: int
    definitions: tuple[str, str]
    sums: tuple[Decimal | None, ...]


Told = Mapping[Place, Sums]


def sums_there(session: Session, statements: Statements, table: PartialsTable) -> dict[Place, Sums]:
    """Returns what a table has of each commit."""
    keys = "_commit_topic, _commit_topic_id, _commit_partition, _commit_seq"
    sums = "".join(f", SUM({quoted(name)})" for name in _additive(table))
    found = session.query(
        f"SELECT {keys}, COUNT(*), MIN({DEFINITION}), MAX({DEFINITION}){sums} "
        f"FROM {statements.table(table.table)} GROUP BY {keys}"
    )
    return {
        (PartitionId(str(topic), str(topic_id), int(number)), int(seq)): Sums(
            rows=int(rows),
            definitions=(str(first), str(last)),
            sums=tuple(_exact(each) for each in added),
        )
        for topic, topic_id, number, seq, rows, first, last, *added in found
    }


def rejected_there(
    session: Session, statements: Statements, table: PartialsTable
) -> dict[Place, list[int]]:
    """Returns which of a commit's partials were rejected."""
    found: dict[Place, list[int]] = defaultdict(list)
    rows = session.query(statements.rejects(), [table.table])
    for topic, topic_id, number, seq, at in rows:
        owner = PartitionId(str(topic), str(topic_id), int(number))
        found[owner, int(seq)].append(int(at))
    return dict(found)


def sums_in_lake(
    store: ObjectStore,
    lake_id: str,
    tables: Sequence[PartialsTable],
    fences: Mapping[str, Mapping[PartitionId, Fence]],
    rejected: Mapping[str, Rejected],
) -> dict[str, dict[Place, Sums]]:
    """Returns by table what the lake has of each commit up to its fence.

    Args:
        store: The lake's objects.
        lake_id: Its id.
        tables: The tables.
        fences: By table and partition, each of them a commit of the chain.
        rejected: By table what was rejected.
    """
    found: dict[str, dict[Place, Sums]] = {each.table: {} for each in tables}
    for owner in sorted({owner for each in fences.values() for owner in each}):
        ends = {name: each[owner].seq for name, each in fences.items() if owner in each}
        chain = CommitChain(store, owner, lake_id)
        for seq in range(max(ends.values()) + 1):
            wanted = [each for each in tables if seq <= ends.get(each.table, -1)]
            for table, rows in _partials(store, chain.read(seq).commit, wanted):
                refused = rejected[table.table].get((owner, seq), ())
                found[table.table][owner, seq] = _sums(table, rows, refused)
    return found


def _partials(
    store: ObjectStore, commit: SegmentCommit, tables: Sequence[PartialsTable]
) -> Iterator[tuple[PartialsTable, pa.Table]]:
    named = {name for file in commit.files for name in file.tables}
    held = [each for each in tables if each.source in named]
    found = read_small_tables(store, commit) if held else {}
    yield from ((each, found[each.source]) for each in held if each.source in found)


def _sums(table: PartialsTable, rows: pa.Table, rejected: Sequence[int]) -> Sums:
    definition = table.definition_of(rows.schema)
    kept = rows.take(np.setdiff1d(np.arange(rows.num_rows), np.array(rejected, np.int64)))
    sums = (
        pc.sum(kept.column(name)).as_py() if name in kept.column_names else None
        for name in _additive(table)
    )
    return Sums(
        rows=rows.num_rows,
        definitions=(definition, definition),
        sums=tuple(_exact(each) for each in sums),
    )


def wrong_commits(
    table: PartialsTable, wanted: Told, there: Told, rejected: Rejected
) -> Iterator[Breach]:
    """Yields the commits of which a table hasn't got what the lake has."""
    for place in sorted({*wanted, *there, *rejected}):
        (owner, seq), lake, here = place, wanted.get(place), there.get(place)
        accepted, loaded = lake.rows if lake else 0, here.rows if here else 0
        refused = len(rejected.get(place, ()))
        if loaded + refused != accepted:
            counted = f"{accepted} partials accepted, {loaded} loaded, {refused} rejected"
            yield breach(table.table, owner, f"commit {seq}: {counted}")
        elif lake and here:
            for what in _others(table, lake, here):
                yield breach(table.table, owner, f"commit {seq}: {what} is another one")


def _others(table: PartialsTable, lake: Sums, here: Sums) -> Iterator[str]:
    if lake.definitions != here.definitions:
        yield "the definition"
    for name, wanted, found in zip(_additive(table), lake.sums, here.sums, strict=True):
        if wanted != found:
            yield f"the sum of {name}"


def _additive(table: PartialsTable) -> list[str]:
    return [name for name, how in table.merges.items() if how == "sum"]


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
