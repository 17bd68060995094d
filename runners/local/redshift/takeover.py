"""Statements of the gateway's own in a client's session, inside the client's transaction.

They go by the extended protocol without a Sync, so PostgreSQL neither commits nor recovers: the
transaction goes on, or fails, just as the client's own statement would have made it.
"""

import asyncio
import struct
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from runners.local.redshift.copy import CATALOG, BinaryRows, Column, arrow_type, files
from runners.local.redshift.errors import SqlError, refused
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
        rows: list[list[str | None]] = []
        while True:
            kind, body = await self._answer()
            if kind == b"D":
                rows.append(row(body))
            if kind in (b"C", b"I"):
                return rows

    async def abort(self) -> None:
        """Makes the transaction fail, if it hasn't yet."""
        if not self.failed:
            try:
                await self.execute("refused")
            except SqlError:
                return

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
        columns = _columns(await self.execute(CATALOG.format(f"'{quoted}'")))
        thread = ThreadPoolExecutor(1, "copy")
        try:
            rows = await self._load(copy, columns, thread)
        finally:
            # It may be in the middle of a file; nobody waits for it.
            thread.shutdown(wait=False)
        await self.execute(f"SELECT set_config('rs.last_copy_count', '{rows.count}', false)")
        return command_complete("COPY")

    async def _load(
        self, copy: Copy, columns: list[Column], thread: ThreadPoolExecutor
    ) -> BinaryRows:
        loop, store = asyncio.get_running_loop(), self._hub.store
        found = await loop.run_in_executor(thread, files, store, copy.manifest)
        if not copy.to_json and any(column.is_super for column in columns):
            raise SqlError("0A000", "SUPER column in COPY query requires SERIALIZETOJSON option")
        rows = BinaryRows(store, found, columns)
        self._send(f"COPY {copy.table} FROM STDIN (FORMAT binary)")
        while (await self._answer())[0] != b"G":
            pass
        chunks = rows.chunks()
        try:
            await self._feed(chunks, thread)
        except SqlError:
            await self._fail_copy()
            raise
        finally:
            # In the thread, which may still be inside of it; the temporary file goes with it.
            thread.submit(chunks.close)
        self._writer.write(message(b"c") + message(b"H"))
        while (await self._answer())[0] != b"C":
            pass
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

    async def _fail_copy(self) -> None:
        """Ends COPY such that the backend itself aborts the transaction."""
        if not self.failed:
            self._writer.write(message(b"f", string("refused")) + message(b"H"))
            try:
                while True:
                    await self._answer()
            except SqlError:
                return

    def _send(self, sql: str) -> None:
        name, empty = string(_NAME), struct.pack("!H", 0)
        self._writer.write(
            message(b"C", b"S" + name)
            + message(b"P", name + string(sql) + empty)
            + message(b"B", b"\0" + name + empty * 3)
            + message(b"E", b"\0" + struct.pack("!I", 0))
            + message(b"H")
        )

    async def _answer(self) -> tuple[bytes, bytes]:
        answer = await self.answers.get()
        if answer is None:
            raise ConnectionResetError("the backend ended")
        if answer[0] == b"E":
            self.failed = True
            raise translated(answer[1])
        return answer


def _columns(catalog: list[list[str | None]]) -> list[Column]:
    """Returns the table's columns, in the order in which the files must have theirs."""
    columns = [
        Column(
            name=str(name),
            type=str(kind),
            required=required == "t",
            most_bytes=int(length) if length else None,
        )
        for name, kind, required, length in catalog
    ]
    for column in columns:
        if arrow_type(column) is None:
            raise refused(f"COPY of Parquet into {column.redshift_type}")
    return columns
