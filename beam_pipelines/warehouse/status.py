"""What there is to say of a warehouse: fences against the lake, last loads, the lock's holder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from transforms.lake import ObjectStore, PartitionId, require_lake
from transforms.lake.new_commits import chain_ends
from transforms.redshift import LoadPlan, RawTable, Session, Statements, read_fences
from transforms.redshift.fences import NO_FENCE, Fences
from transforms.redshift.partials import PartialsTable


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """One table.

    Attributes:
        table: Its name.
        partitions: Partitions that feed it, as far as the lake knows.
        commits_behind: Commits of the lake that it hasn't got.
        loads: Loads that touched it.
        rows: Rows that they brought.
        rejects: Rows that COPY refused.
        last_load: When the last one was recorded, UTC; None before the first.
        newest_message: Newest broker time that was loaded, UTC.
    """

    table: str
    partitions: int
    commits_behind: int
    loads: int = 0
    rows: int = 0
    rejects: int = 0
    last_load: datetime | None = None
    newest_message: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Recency:
    """How recent some tables are together.

    Attributes:
        rows: Rows that all loads brought.
        loaded_at: When the last load was recorded, UTC; None before the first.
        newest_message: Newest broker time that was loaded, UTC.
    """

    rows: int
    loaded_at: datetime | None
    newest_message: datetime | None


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds or waits for the lock.

    Attributes:
        user: The database user.
        pid: The session's number, for ``pg_terminate_backend``.
        since: When its transaction began, UTC.
        granted: Whether it holds the lock.
    """

    user: str
    pid: int
    since: datetime | None
    granted: bool


def read_status(
    store: ObjectStore, session: Session, statements: Statements, plan: LoadPlan
) -> list[TableStatus]:
    """Returns the state of each table.

    Raises:
        LakeMismatchError: The schema was loaded from another lake.
    """
    lake = require_lake(store)
    fences = read_fences(session, statements, lake.lake_id)
    ends = chain_ends(store, lake, plan.topics)
    totals = _totals(session, statements)
    found = []
    for table in plan.loaded:
        found.append(
            TableStatus(
                table=table.table,
                partitions=sum(owner.topic in table.topics for owner in ends),
                commits_behind=commits_behind(fences, ends, table),
                **totals.get(table.table, {}),
            )
        )
    return found


def commits_behind(
    fences: Fences, ends: Mapping[PartitionId, int], table: RawTable | PartialsTable
) -> int:
    """Returns how many commits of the lake a table hasn't got.

    Args:
        fences: The warehouse's.
        ends: Numbers of the lake's last commits.
        table: The table.
    """
    return sum(
        max(0, end - fences.get((owner, table.table), NO_FENCE).seq)
        for owner, end in ends.items()
        if owner.topic in table.topics
    )


def loaded_since(
    session: Session, statements: Statements, load_id: int
) -> dict[str, tuple[int, int]]:
    """Returns by table the rows and the rejects of all loads after one."""
    rows = session.query(
        "SELECT table_name, SUM(rows_loaded), SUM(rows_rejected) FROM "
        f"{statements.table('load_history')} WHERE load_id > %s GROUP BY table_name",
        [load_id],
    )
    return {str(table): (int(loaded), int(rejected)) for table, loaded, rejected in rows}


def read_recency(session: Session, statements: Statements, tables: Sequence[str]) -> Recency:
    """Returns how recent some tables are together."""
    totals = _totals(session, statements)
    found = [totals[name] for name in tables if name in totals]
    return Recency(
        rows=sum(each["rows"] for each in found),
        loaded_at=_newest(each["last_load"] for each in found),
        newest_message=_newest(each["newest_message"] for each in found),
    )


def lock_holders(session: Session, statements: Statements) -> list[Holder]:
    """Returns who holds the lock, and who waits for it."""
    rows = session.query(
        # Not by svv_table_info, which leaves empty tables out.
        "SELECT t.txn_owner, t.pid, t.txn_start, t.granted FROM svv_transactions t "
        "JOIN pg_class c ON t.relation = c.oid JOIN pg_namespace n ON c.relnamespace = n.oid "
        "WHERE n.nspname = %s AND c.relname = 'load_lock' "
        "AND t.lock_mode = 'AccessExclusiveLock'",
        [statements.schema],
    )
    return [
        Holder(user=str(user).strip(), pid=int(pid), since=since, granted=_true(granted))
        for user, pid, since, granted in rows
    ]


def _totals(session: Session, statements: Statements) -> Mapping[str, dict[str, Any]]:
    rows = session.query(
        "SELECT table_name, COUNT(*), SUM(rows_loaded), SUM(rows_rejected), MAX(finished_at), "
        f"MAX(newest_broker_time) FROM {statements.table('load_history')} GROUP BY table_name"
    )
    return {
        str(table): {
            "loads": int(loads),
            "rows": int(loaded),
            "rejects": int(rejected),
            "last_load": last,
            "newest_message": newest,
        }
        for table, loads, loaded, rejected, last, newest in rows
    }


def _newest(moments: Iterable[datetime | None]) -> datetime | None:
    known = [each.replace(tzinfo=UTC) for each in moments if each is not None]
    return max(known, default=None)


def _true(value: Any) -> bool:
    # The driver gives a character, a text or a boolean, by the server's protocol.
    return str(value).lower() in ("true", "t", "1")
