"""The proof carried on: accepted rows = loaded rows + load rejects, by sets of offsets.

Both sides are told as runs of offsets, which are the whole sets in few numbers: the warehouse finds
its runs itself, and of the lake only two columns are read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.lake import CommitChain, ObjectStore, PartitionId, require_lake
from transforms.lake.verify import Breach
from transforms.redshift.client import Session
from transforms.redshift.fences import Fence, Fences, read_fences
from transforms.redshift.partials import PartialsTable
from transforms.redshift.plan import LoadPlan
from transforms.redshift.raw import RawTable
from transforms.redshift.sql import Statements
from transforms.redshift.verify_fences import breach, standing
from transforms.redshift.verify_partials import (
    Rejected,
    Told,
    rejected_there,
    sums_in_lake,
    sums_there,
    wrong_commits,
)
from transforms.redshift.verify_star import StarProof, verify_star
from transforms.segment import Range, column_values

#: A partition, and which row of its message: nearly always 0.
Key = tuple[PartitionId, int]
Runs = dict[Key, list[Range]]


@dataclass(frozen=True, kw_only=True)
class TableProof:
    """What was found of one table.

    Attributes:
        table: Its name.
        accepted: Rows of the lake below its fences.
        loaded: Rows that it has.
        rejected: Rows of ``load_rejects``.
        breaches: Where they don't agree.
    """

    table: str
    accepted: int
    loaded: int
    rejected: int
    breaches: tuple[Breach, ...]

    def __str__(self) -> str:
        return (
            f"{self.table}: {self.accepted:,} rows accepted, {self.loaded:,} loaded, "
            f"{self.rejected:,} rejected"
        )


def verify_warehouse(
    store: ObjectStore, session: Session, statements: Statements, plan: LoadPlan
) -> Iterator[TableProof | StarProof]:
    """Compares raw tables and partials with the lake below their fences, the star with raw tables.

    Args:
        store: The lake's objects.
        session: Where the tables are; a load may go on meanwhile, it is not seen.
        statements: Of the schema.
        plan: The tables.

    Raises:
        LakeMismatchError: The schema was loaded from another lake.
    """
    lake = require_lake(store)
    with session.transaction():  # One snapshot for fences, rows and rejects.
        fences = read_fences(session, statements, lake.lake_id)
        star = list(verify_star(session, statements, plan.star))
        there = {each.table: _runs_of(session, statements, each) for each in plan.tables}
        rejects = {each.table: _rejects_of(session, statements, each) for each in plan.tables}
        partials = [
            (sums_there(session, statements, each), rejected_there(session, statements, each))
            for each in plan.partials
        ]
    for table in plan.tables:
        accepted, broken = _accepted(store, lake.lake_id, table, fences)
        differing = _differing(table.table, accepted, there[table.table], rejects[table.table])
        yield TableProof(
            table=table.table,
            accepted=_size(accepted),
            loaded=_size(there[table.table]),
            rejected=_size(rejects[table.table]),
            breaches=(*broken, *differing),
        )
    yield from _partials(store, lake.lake_id, plan.partials, fences, partials)
    yield from star


def _partials(
    store: ObjectStore,
    lake_id: str,
    tables: Sequence[PartialsTable],
    fences: Fences,
    there: Sequence[tuple[Told, Rejected]],
) -> Iterator[TableProof]:
    rejected = {each.table: refused for each, (_, refused) in zip(tables, there, strict=True)}
    stood = {each.table: standing(store, lake_id, each, fences) for each in tables}
    found = {name: fences for name, (fences, _) in stood.items()}
    lake = sums_in_lake(store, lake_id, tables, found, rejected)
    for each, (told, refused) in zip(tables, there, strict=True):
        _, broken = stood[each.table]
        yield TableProof(
            table=each.table,
            accepted=sum(sums.rows for sums in lake[each.table].values()),
            loaded=sum(sums.rows for sums in told.values()),
            rejected=sum(len(places) for places in refused.values()),
            breaches=(*broken, *wrong_commits(each, lake[each.table], told, refused)),
        )


def _accepted(
    store: ObjectStore, lake_id: str, table: RawTable, fences: Fences
) -> tuple[Runs, list[Breach]]:
    """Returns the lake's rows below the fences, and the fences that aren't on its chains."""
    runs: Runs = {}
    found, broken = standing(store, lake_id, table, fences)
    for owner, fence in found.items():
        runs |= _lake_runs(store, CommitChain(store, owner, lake_id), table.dataset, fence)
    return runs, broken


def _lake_runs(store: ObjectStore, chain: CommitChain, dataset: str, fence: Fence) -> Runs:
    parts: dict[int, list[np.ndarray[Any, Any]]] = defaultdict(list)
    for seq in range(fence.seq + 1):
        for file in chain.read(seq).commit.files:
            if file.dataset != dataset:
                continue
            body = pa.BufferReader(store.get(file.key))
            read = pq.read_table(body, columns=["_offset", "_row"])
            offsets, rows = column_values(read, "_offset"), column_values(read, "_row")
            for row in np.unique(rows):
                parts[int(row)].append(offsets[rows == row])
    return {(chain.owner, row): runs(np.concatenate(each)) for row, each in parts.items()}


def runs(offsets: np.ndarray[Any, Any]) -> list[Range]:
    """Returns offsets as ranges ``[first, last + 1)``, in order; overlapping where one is twice."""
    if not len(offsets):
        return []
    ordered = np.sort(offsets)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(ordered) != 1]))
    ends = np.concatenate([starts[1:], [len(ordered)]]) - 1
    return [(int(ordered[a]), int(ordered[b]) + 1) for a, b in zip(starts, ends, strict=True)]


def _runs_of(session: Session, statements: Statements, table: RawTable) -> Runs:
    found: Runs = defaultdict(list)
    for topic, topic_id, number, row, first, last in session.query(statements.runs(table.table)):
        owner = PartitionId(str(topic), str(topic_id), int(number))
        found[owner, int(row)].append((int(first), int(last) + 1))
    return {key: sorted(each) for key, each in found.items()}


def _rejects_of(session: Session, statements: Statements, table: RawTable) -> Runs:
    found: Runs = defaultdict(list)
    rows = session.query(statements.rejects(), [table.table])
    for topic, topic_id, number, offset, row in rows:
        owner = PartitionId(str(topic), str(topic_id), int(number))
        found[owner, int(row)].append((int(offset), int(offset) + 1))
    return {key: sorted(each) for key, each in found.items()}


def _differing(table: str, accepted: Runs, loaded: Runs, rejected: Runs) -> Iterator[Breach]:
    for key in sorted({*accepted, *loaded, *rejected}):
        owner, _ = key
        wanted = accepted.get(key, [])
        found = sorted([*loaded.get(key, []), *rejected.get(key, [])])
        for part in twice(found):
            yield breach(table, owner, "rows are there twice", part)
        for part in without(wanted, found):
            yield breach(table, owner, "accepted rows are neither loaded nor rejected", part)
        for part in without(found, wanted):
            yield breach(table, owner, "rows are there that the lake hasn't accepted", part)


def twice(ranges: Sequence[Range]) -> list[Range]:
    """Returns where ordered ranges overlap."""
    found = []
    end = ranges[0][1] if ranges else 0
    for (_, _), (first, last) in pairwise(ranges):
        if first < end:
            found.append((first, min(last, end)))
        end = max(end, last)
    return found


def without(ranges: Iterable[Range], others: Sequence[Range]) -> list[Range]:
    """Returns the parts of ordered ranges that lie in none of other ordered ranges."""
    left: list[Range] = []
    at = 0
    for first, last in ranges:
        start = first
        while at < len(others) and others[at][1] <= start:
            at += 1
        look = at
        while look < len(others) and others[look][0] < last:
            if others[look][0] > start:
                left.append((start, others[look][0]))
            start = max(start, others[look][1])
            look += 1
        if start < last:
            left.append((start, last))
    return left


def _size(found: Runs) -> int:
    return sum(last - first for ranges in found.values() for first, last in ranges)
