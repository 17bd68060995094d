"""Fences of the warehouse: how far each table has come in each partition of the lake."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transforms.errors import LakeMismatchError, WarehouseError
from transforms.lake import Mark, PartitionId, Tail
from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.plan import LoadPlan

#: The session's table of fences that move.
_MOVES: Final = "new_fences"


@dataclass(frozen=True)
class Fence:
    """One row of ``load_fences``.

    Attributes:
        offset: The offset after the last one that is loaded; -1 before the first load.
        seq: Number of the last commit that is applied; -1 before the first.
        sha256: Digest of that commit.
    """

    offset: int = -1
    seq: int = -1
    sha256: str = ""


NO_FENCE: Final = Fence()
Place = tuple[PartitionId, str]
Fences = Mapping[Place, Fence]


def read_fences(session: Session, statements: sql.Statements, lake_id: str) -> dict[Place, Fence]:
    """Returns all fences by partition and table.

    Raises:
        LakeMismatchError: The schema was loaded from another lake.
        WarehouseError: A fence is there twice: keys aren't enforced, and somebody wrote there.
    """
    fences: dict[Place, Fence] = {}
    for lake, topic, topic_id, number, table, offset, seq, sha256 in session.query(
        statements.fences()
    ):
        if lake != lake_id:
            raise LakeMismatchError(
                f"the schema {statements.schema} was loaded from the lake {lake}, this one is "
                f"{lake_id}",
                "Load another lake, or one that was begun anew, into a schema of its own",
            )
        place = (PartitionId(topic, topic_id, int(number)), str(table))
        if place in fences:
            raise WarehouseError(
                f"load_fences has two rows of {place[0]} and {table}",
                "Keys aren't enforced: find out who wrote there, and restore the schema",
            )
        fences[place] = Fence(int(offset), int(seq), str(sha256))
    return fences


def position_of(fences: Fences, plan: LoadPlan) -> dict[PartitionId, Mark]:
    """Returns where to read on: of each partition where its hindmost table is.

    A table that a partition hasn't got a fence for begins at the genesis, so a partition is in the
    position only if all tables of its topic have one.
    """
    position: dict[PartitionId, Mark] = {}
    for owner in {owner for owner, _ in fences}:
        tables = [each.table for each in plan.of(owner.topic)]
        found = [fences.get((owner, table), NO_FENCE) for table in tables]
        hindmost = min(found, key=lambda fence: fence.seq, default=NO_FENCE)
        if hindmost.seq >= 0:
            position[owner] = Mark(hindmost.seq, hindmost.sha256)
    return position


def ahead_of(fences: Fences, plan: LoadPlan) -> dict[PartitionId, Mark]:
    """Returns where the foremost table is, of the partitions whose tables aren't equally far.

    Reading goes on from the hindmost, so nothing else asks whether the chain still has this commit.
    """
    ahead: dict[PartitionId, Mark] = {}
    for owner in {owner for owner, _ in fences}:
        found = [fences.get((owner, each.table), NO_FENCE) for each in plan.of(owner.topic)]
        foremost = max(found, key=lambda fence: fence.seq, default=NO_FENCE)
        if any(fence.seq < foremost.seq for fence in found):
            ahead[owner] = Mark(foremost.seq, foremost.sha256)
    return ahead


def moved(fences: Fences, tails: Iterable[Tail], plan: LoadPlan) -> dict[Place, Fence]:
    """Returns the fences that a batch moves, as they will be.

    Raises:
        LakeMismatchError: The batch isn't the future of what is loaded.
    """
    after: dict[Place, Fence] = {}
    for tail in tails:
        commit = tail.commit
        for target in plan.of(commit.topic):
            place = (commit.owner, target.table)
            _check_follows(fences.get(place, NO_FENCE), tail, target.table)
            if fences.get(place, NO_FENCE).seq < commit.seq:
                after[place] = Fence(commit.end, commit.seq, tail.sha256)
    return after


def _check_follows(fence: Fence, tail: Tail, table: str) -> None:
    """Holds a table's own fence against the chain: the position is that of the hindmost table."""
    commit = tail.commit
    follows = commit.seq != fence.seq + 1 or commit.prev == fence.sha256
    if not follows or (commit.seq == fence.seq and tail.sha256 != fence.sha256):
        raise LakeMismatchError(
            f"the chain of {commit.owner} doesn't go on from commit {fence.seq}, which was loaded "
            f"into {table}",
            "The lake was restored or replaced by a fork: bring it back, or load it into a schema "
            "of its own",
        )


def move_fences(
    session: Session, statements: sql.Statements, lake_id: str, before: Fences, after: Fences
) -> None:
    """Moves fences from where they were read to where they go, in the load's transaction.

    Raises:
        WarehouseError: One isn't where it was read: the second belt behind LOCK.
    """
    session.execute(statements.create_moves(_MOVES))
    rows = [_move(place, before.get(place, NO_FENCE), fence) for place, fence in after.items()]
    insert_all(session, sql.quoted(_MOVES), sql.MOVE_COLUMNS, rows)
    session.execute(statements.begin_fences(_MOVES), [lake_id])
    found = session.execute(statements.move_fences(_MOVES), [lake_id])
    session.execute(sql.drop_staging(_MOVES))
    if found != len(rows):
        raise WarehouseError(
            f"{found} fences of {len(rows)} stood where they had been read",
            "The load was rolled back. Something else writes load_fences: stop it",
        )


def insert_all(
    session: Session, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Inserts rows of values, as many at once as the server likes.

    Args:
        session: Where.
        table: The table's name, quoted.
        columns: Their names.
        rows: Their values.
    """
    step = sql.rows_at_once(columns)
    for at in range(0, len(rows), step):
        part = rows[at : at + step]
        values = [value for row in part for value in row]
        session.execute(sql.insert_rows(table, columns, len(part)), values)


def _move(place: Place, read: Fence, fence: Fence) -> tuple[Any, ...]:
    owner, table = place
    new = (fence.offset, fence.seq, fence.sha256)
    old = (read.offset, read.seq, read.sha256)
    return (owner.topic, owner.topic_id, owner.partition, table, *new, *old)
