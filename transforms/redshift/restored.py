"""A table that was restored alone, or changed by hand, is noticed before anything more is loaded.

Each load leaves on record how many rows it brought to a table, how many COPY refused, and a digest
of the table's fences. What is taken back to an earlier moment without the others, be it the rows,
the rejects, the fences or the record itself, doesn't agree with them any more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from transforms.errors import LakeMismatchError
from transforms.lake.commit import digest
from transforms.redshift.client import Session
from transforms.redshift.fences import Fences
from transforms.redshift.sql import Statements

_REMEDY: Final = "Restore the whole schema to one moment, or rebuild it: warehouse reload"


@dataclass
class _Left:
    """What ``load_history`` says of a table.

    Attributes:
        load_id: Its newest load.
        fences: Digest of its fences after that one.
        brought: The newest load that brought rows, and how many.
        refused: The newest load of which COPY refused rows, and how many.
    """

    load_id: int = 0
    fences: str = ""
    brought: tuple[int, int] = (0, 0)
    refused: tuple[int, int] = (0, 0)


def fences_sha256(fences: Fences, table: str) -> str:
    """Returns a digest of a table's fences; empty if it has none."""
    lines = sorted(
        f"{owner.topic} {owner.topic_id} {owner.partition} {at.offset} {at.seq} {at.sha256}"
        for (owner, name), at in fences.items()
        if name == table
    )
    return digest("\n".join(lines).encode()) if lines else ""


def check_restored(
    session: Session, statements: Statements, fences: Fences, tables: Collection[str]
) -> None:
    """Refuses tables that aren't as the last load left them.

    Args:
        session: Under the lock.
        statements: Of the schema.
        fences: All fences, read under the lock.
        tables: The tables that a load is about to change.

    Raises:
        LakeMismatchError: A table, or the loader's own, was restored or changed by hand.
    """
    left = _left(session, statements)
    rejects = {str(t): int(n) for t, n in session.query(statements.rejects_since())}
    for table in tables:
        known = left.get(table, _Left())
        if fences_sha256(fences, table) != known.fences:
            raise LakeMismatchError(
                f"the fences of {table} aren't those that load {known.load_id} left: load_fences "
                "or load_history was restored or changed by hand",
                _REMEDY,
            )
        load_id, rows = known.brought
        _check_count(
            table, session.query(statements.rows_since(table, load_id))[0][0], rows, load_id
        )
        load_id, rows = known.refused
        _check_count(f"load_rejects of {table}", rejects.get(table, 0), rows, load_id)


def _check_count(where: str, found: int, wanted: int, load_id: int) -> None:
    if int(found) != wanted:
        raise LakeMismatchError(
            f"{where} has {found} rows since load {load_id}, where load_history counts {wanted}: "
            "one of them was restored or changed by hand",
            _REMEDY,
        )


def _left(session: Session, statements: Statements) -> dict[str, _Left]:
    left: dict[str, _Left] = {}
    rows = session.query(statements.last_loads())
    for table, load_id, loaded, rejected, fences in sorted(rows, key=lambda row: int(row[1])):
        known = left.setdefault(str(table), _Left())
        known.load_id, known.fences = int(load_id), str(fences)
        if int(loaded):
            known.brought = (int(load_id), int(loaded))
        if int(rejected):
            known.refused = (int(load_id), int(rejected))
    return left
