"""Statements of the gateway's own in a client's session, inside the client's transaction.

They go by the extended protocol without a Sync, so PostgreSQL neither commits nor recovers: the
transaction goes on, or fails, just as the client's own statement would have made it.
"""

import asyncio
import struct
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from runners.local.redshift.copy import CATALOG, BinaryRows, Column, columns_of, files
from runners.local.redshift.errors import SqlError
from runners.local.redshift.hub import Hub
from runners.local.redshift.sql import Copy, Script
from runners.local.redshift.wire import command_complete, message, row, string, translated

__all__ = ["Takeover"]

# A name that no driver uses; PostgreSQL keeps it after an error, so it is closed before each use.
_NAME = "rs_gateway"


class Takeover:
    """A backend while the gateway has it to itself.

    Args:
        writer: to the backend.
        hub: what all sessions share.
        in_block: whether the client is inside BEGIN ... COMMIT.
    """

    def __init__(self, writer: asyncio.StreamWriter, hub: Hub, *, in_block: bool) -> None:
        self._writer = writer
        self._hub = hub
        self._in_block = in_block
        self.cancelled = False
        self.failed = False
        #: What the backend answers; None once it has ended.
        self.answers: asyncio.Queue[tuple[bytes, bytes] | None] = asyncio.Queue()

    async def execute(self, sql: str) -> list[list[str | None]]:
        """Runs one statement; returns its rows as text.

        Raises:
            SqlError: it failed, and the transaction with it.
        """
        self._send(sql)
        return await self._until(b"CI")

    async def abort(self) -> None:
        """Makes the transaction fail, if it hasn't yet."""
        if not self.failed:
            # Ends a COPY such that the backend itself fails; elsewhere it ignores this message.
            self._writer.write(message(b"f", string("refused")))
            with suppress(SqlError):
                await self.execute("refused")

    async def run(self, script: Script) -> bytes:
        """Runs a script; returns the answer for the client."""
        if script.outside_block and self._in_block:
            raise SqlError("25001", f"{script.tag} cannot run inside a transaction block")
        for statement in script.statements:
            await self.execute(statement)
        return command_complete(script.tag)

    async def copy(self, copy: Copy) -> bytes:
        """Runs a COPY; returns the answer for the client."""
        if copy.role not in ("default", self._hub.role):
            raise SqlError("XX000", f"User is not authorized to assume IAM Role {copy.role}")
        quoted = copy.table.replace("'", "''")
        target = columns_of(await self.execute(CATALOG.format(f"'{quoted}'")))
        thread = ThreadPoolExecutor(1, "copy")
        try:
            rows = await self._load(copy, target, thread)
        finally:
            # It may be in the middle of a file; nobody waits for it.
            thread.shutdown(wait=False)
        await self.execute(f"SELECT set_config('rs.last_copy_count', '{rows.count}', false)")
        return command_complete("COPY")

    async def _load(
        self, copy: Copy, target: list[Column], thread: ThreadPoolExecutor
    ) -> BinaryRows:
        loop, store = asyncio.get_running_loop(), self._hub.store
        found = await loop.run_in_executor(thread, files, store, copy.manifest)
        if not copy.to_json and any(column.is_super for column in target):
            raise SqlError("0A000", "SUPER column in COPY query requires SERIALIZETOJSON option")
        rows = BinaryRows(store, found, target)
        self._send(f"COPY {copy.table} FROM STDIN (FORMAT binary)")
        await self._until(b"G")
        chunks = rows.chunks()
        try:
            await self._feed(chunks, thread)
        finally:
            # In the thread, which may still be inside of it; the temporary file goes with it.
            thread.submit(chunks.close)
        self._writer.write(message(b"c") + message(b"H"))
        await self._until(b"C")
        return rows

    async def _feed(self, chunks: Generator[bytes, None, None], thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        coming = loop.run_in_executor(thread, next, chunks, None)
        try:
            while (chunk := await coming) is not None:
                # The next one is made while the backend takes this one.
                coming = loop.run_in_executor(thread, next, chunks, None)
                if not self.answers.empty():
                    await self._answer()
                if self.cancelled:
                    raise SqlError("57014", "canceling statement due to user request")
                self._writer.write(message(b"d", chunk))
                await self._writer.drain()
        finally:
            if not coming.cancel() and not coming.cancelled():
                coming.exception()  # Else asyncio logs it, and its text may hold values.

    def _send(self, sql: str) -> None:
        name, empty = string(_NAME), struct.pack("!H", 0)
        self._writer.write(
            message(b"C", b"S" + name)
            + message(b"P", name + string(sql) + empty)
            + message(b"B", b"\0" + name + empty * 3)
            + message(b"E", b"\0" + struct.pack("!I", 0))
            + message(b"H")
        )

    async def _until(self, kinds: bytes) -> list[list[str | None]]:
        """Awaits an answer of one of these kinds; returns the rows before it."""
        rows: list[list[str | None]] = []
        while (answer := await self._answer())[0] not in kinds:
            if answer[0] == b"D":
                rows.append(row(answer[1]))
        return rows

    async def _answer(self) -> tuple[bytes, bytes]:
        answer = await self.answers.get()
        if answer is None:
            raise ConnectionResetError("the backend ended")
        if answer[0] == b"E":
            self.failed = True
            raise translated(answer[1])
        return answer
