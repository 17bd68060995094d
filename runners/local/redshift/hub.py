"""What all sessions share: PostgreSQL, S3, the faults, and the record of loads."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from runners.local.redshift.copy import BinaryRows, Store
from runners.local.redshift.errors import SqlError
from runners.local.redshift.faults import Faults
from runners.local.redshift.sql import IDLE_TIMEOUTS, Copy
from runners.local.redshift.wire import Backend

if TYPE_CHECKING:
    from runners.local.redshift.session import Session

__all__ = ["Hub"]

_T = TypeVar("_T")


class Hub:
    """The shared part of the gateway.

    Args:
        socket: PostgreSQL's.
        admin: a connection of the gateway's own user to the clients' database.
        store: where COPY reads from.
        role: the one IAM role that COPY may assume.
    """

    def __init__(self, *, socket: str, admin: Backend, store: Store, role: str) -> None:
        self.socket = socket
        self.store = store
        self.role = role
        self.sessions: dict[int, Session] = {}
        self.faults = Faults(self.drop_all)
        self._admin = admin
        self._lock = asyncio.Lock()
        self._unfinished: set[asyncio.Task[Any]] = set()

    def finish(self, work: Coroutine[Any, Any, _T]) -> "asyncio.Future[_T]":
        """Does work to its end, even if whoever awaits it is cancelled."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return asyncio.shield(task)

    async def query(self, sql: str) -> list[list[str | None]]:
        """Runs a statement of the gateway's own user, in a transaction of its own."""
        # Cut off in the middle, it would leave its answer to the next one.
        return await self.finish(self._query(sql))

    async def _query(self, sql: str) -> list[list[str | None]]:
        async with self._lock:
            return await self._admin.query(sql)

    async def limit_idling(self, seconds: int) -> None:
        """Ends sessions that begin from now on once they idle this long; 0 is for ever."""
        database = (await self.query("SELECT current_database()"))[0][0]
        for name in IDLE_TIMEOUTS:
            await self.query(f"""ALTER DATABASE "{database}" SET {name} = '{seconds}s'""")

    def drop_all(self) -> None:
        """Closes all connections, as a reboot does."""
        for session in list(self.sessions.values()):
            session.drop()

    async def begin_load(self, where: Sequence[str | None], copy: Copy) -> int:
        """Records that a COPY begins; a rollback of the client's doesn't undo that.

        Args:
            where: table id, database and backend.
            copy: the statement.

        Returns:
            Its query id.
        """
        table, database, pid = where
        name = copy.table.replace('"', "")
        values = ", ".join(
            [str(pid), _literal(database), str(table), _literal(name), _literal(copy.source)]
        )
        rows = await self.query(
            "INSERT INTO pg_catalog.rs_loads (session_id, database_name, table_id, table_name, "
            f"data_source, status) VALUES ({values}, 'running') RETURNING query_id"
        )
        return int(rows[0][0] or 0)

    async def end_load(self, begun: Awaitable[int], outcome: BinaryRows | BaseException) -> None:
        """Records how a COPY ended."""
        load = await begun
        changes = "status = 'failed'"
        if isinstance(outcome, BinaryRows):
            changes = (
                f"status = 'completed', loaded_rows = {outcome.count}, "
                f"source_file_count = {outcome.files}, source_file_bytes = {outcome.bytes}"
            )
        elif isinstance(outcome, asyncio.CancelledError):
            changes = "status = 'aborted'"
        await self.query(
            f"UPDATE pg_catalog.rs_loads SET {changes}, end_time = getdate() "
            f"WHERE query_id = {load}"
        )
        if isinstance(outcome, SqlError):
            await self._record(load, outcome)

    async def _record(self, load: int, failure: SqlError) -> None:
        record = {"error_message": failure.message, **(failure.record or {}), "query_id": load}
        values = ", ".join(_literal(str(value)) for value in record.values())
        names = ", ".join(record)
        await self.query(f"INSERT INTO pg_catalog.rs_load_errors ({names}) VALUES ({values})")


def _literal(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"
