"""What all sessions share: PostgreSQL, S3 and the faults."""

import asyncio
from typing import TYPE_CHECKING, Any

from runners.local.redshift.copy import Store
from runners.local.redshift.faults import Faults
from runners.local.redshift.sql import IDLE_TIMEOUTS
from runners.local.redshift.wire import Backend

if TYPE_CHECKING:
    from runners.local.redshift.session import Session

__all__ = ["Hub"]


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

    async def query(self, sql: str) -> list[list[str | None]]:
        """Runs a statement of the gateway's own user, in a transaction of its own."""
        # Cut off in the middle, it would leave its answer to the next one: it is done to its end,
        # even if whoever awaits it is cancelled.
        task = asyncio.create_task(self._query(sql))
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

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
