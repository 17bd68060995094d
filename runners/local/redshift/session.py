"""One client and its backend: messages go through; some statements are the gateway's to run.

Protocol state: ``_pending`` is what the backend still owes an answer to. After an error it ignores
all up to the next Sync; while that isn't sent, ``_skipping`` holds and nothing is owed.
"""

import asyncio
import contextlib
import logging
import traceback
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from runners.local.redshift.errors import SqlError
from runners.local.redshift.faults import Fault
from runners.local.redshift.hub import Hub
from runners.local.redshift.login import Watched
from runners.local.redshift.sql import Copy, Plan, Relay, plan
from runners.local.redshift.takeover import Takeover
from runners.local.redshift.wire import Backend, Frames, error, message, string, translate_error

__all__ = ["Session"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_CHUNK = 256 * 1024

# PostgreSQL parses it and the gateway never executes it.
_PLACEHOLDER = "SET rs.takeover = ''"

# Of a refused statement PostgreSQL gets this, so that it is in the state that an error leaves.
_GARBAGE = "refused"

#: Which answers settle which message.
_SETTLES = {b"P": b"1", b"B": b"2", b"C": b"3", b"D": b"Tn", b"E": b"CIs", b"S": b"Z", b"Q": b"Z"}
_REFUSED_KINDS = b"Fdcf"

_EXPECTED = (OSError, asyncio.CancelledError, asyncio.IncompleteReadError)


@dataclass
class _Prepared:
    text: str
    plan: Plan


@dataclass
class _Owed:
    kind: bytes
    refusal: SqlError | None = None


class Session:
    """A session.

    Args:
        reader: from the client.
        writer: to the client.
        backend: the client's own.
        hub: what all sessions share.
    """

    def __init__(
        self, reader: Watched, writer: asyncio.StreamWriter, backend: Backend, hub: Hub
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._backend = backend
        self._hub = hub
        self._statements: dict[bytes, _Prepared] = {}
        self._portals: dict[bytes, _Prepared | None] = {}
        self._pending: deque[_Owed] = deque()
        self._settled = asyncio.Event()
        self._skipping = False
        self._in_block = False
        self._takeover: Takeover | None = None

    async def run(self) -> None:
        """Serves the client until it, or its backend, has ended."""
        tasks = [asyncio.create_task(each) for each in (self._serve(), self._pump())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            self._backend.close()
            _log_bugs(outcomes)

    def cancel(self) -> None:
        """Notes a request to cancel; PostgreSQL gets one of its own."""
        if self._takeover:
            self._takeover.cancelled = True

    def drop(self) -> None:
        """Closes both connections at once; what isn't committed is lost."""
        self._backend.writer.transport.abort()
        self._writer.transport.abort()

    async def _serve(self) -> None:
        frames = Frames()
        while data := await self._reader.read(_CHUNK):
            for kind, body in frames.feed(data):
                await self._handle(kind, body)
            await self._backend.writer.drain()

    async def _handle(self, kind: bytes, body: bytes) -> None:
        if kind in _REFUSED_KINDS:
            raise ConnectionResetError("a message that no Redshift client sends")
        if kind == b"P":
            name, sql, types = body.split(b"\0", 2)
            text, refusal = self._prepare(name, sql.decode("utf-8", "replace"))
            self._forward(kind, name + b"\0" + string(text) + types, refusal)
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self._portals[portal] = self._statements.get(name)
            self._forward(kind, body)
        elif kind == b"E" and not self._skipping:
            await self._execute(kind, body, self._portals.get(body.split(b"\0", 1)[0]))
        elif kind == b"Q":
            text, refusal = self._prepare(b"", body[:-1].decode("utf-8", "replace"))
            if refusal:
                self._forward(kind, string(text), refusal)
            else:
                await self._execute(kind, string(text), self._statements.pop(b""))
        else:
            self._forward(kind, body)

    def _prepare(self, name: bytes, sql: str) -> tuple[str, SqlError | None]:
        """Plans a statement; returns what the backend gets, and the error if it is refused."""
        self._statements.pop(name, None)
        try:
            found = plan(sql)
        except SqlError as refusal:
            return _GARBAGE, refusal
        self._statements[name] = _Prepared(sql, found)
        return (found.sql if isinstance(found, Relay) else _PLACEHOLDER), None

    def _forward(self, kind: bytes, body: bytes, refusal: SqlError | None = None) -> None:
        self._backend.writer.write(message(kind, body))
        if kind == b"S":
            self._skipping = False
        if kind in _SETTLES and not self._skipping:
            self._pending.append(_Owed(kind, refusal))
            self._settled.clear()

    async def _execute(self, kind: bytes, body: bytes, prepared: _Prepared | None) -> None:
        """Runs a statement: by the backend, or by the gateway in its session."""
        fault = self._hub.faults.next(prepared.text) if prepared else None
        if fault and fault.action == "drop_before":
            self.drop()
            raise ConnectionResetError("as a fault wants it")
        if fault and fault.action in ("delay", "freeze"):
            await self._unless_ended(self._hub.faults.pause(fault))
            fault = None
        if prepared is None or (fault is None and isinstance(prepared.plan, Relay)):
            self._forward(kind, body)
            return
        self._backend.writer.write(message(b"H"))
        if self._pending:
            await self._settled.wait()
        if self._skipping:
            # An earlier statement of the same pipeline failed: this one is ignored, too.
            return
        await self._take_over(kind, body, prepared.plan, fault)

    async def _take_over(self, kind: bytes, body: bytes, todo: Plan, fault: Fault | None) -> None:
        taken = Takeover(self._backend.writer, self._hub, in_block=self._in_block)
        self._takeover = taken
        try:
            answer = await self._unless_ended(self._answer(taken, kind, body, todo, fault))
        finally:
            self._takeover = None
        self._writer.write(answer)
        if kind == b"Q":
            self._forward(b"S", b"")
        else:
            self._skipping = taken.failed

    async def _answer(
        self, taken: Takeover, kind: bytes, body: bytes, todo: Plan, fault: Fault | None
    ) -> bytes:
        try:
            if fault and fault.action == "error":
                raise fault.error()
            if isinstance(todo, Relay):
                self._backend.writer.write(message(kind, body))
                answer = b""
            else:
                copying = isinstance(todo, Copy)
                answer = await (taken.copy(todo) if copying else taken.run(todo))  # type: ignore[arg-type]
        except SqlError as failure:
            await taken.abort()
            return error(failure)
        if fault:
            await self._drop_after(taken, synced=kind == b"Q" and isinstance(todo, Relay))
        return answer

    async def _drop_after(self, taken: Takeover, *, synced: bool) -> None:
        """Lets the statement take effect, and then closes the connection without an answer."""
        if not synced:
            self._backend.writer.write(message(b"S"))
        while (answer := await taken.answers.get()) and answer[0] != b"Z":
            pass
        self.drop()
        raise ConnectionResetError("as a fault wants it")

    async def _unless_ended(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Awaits work of the gateway's; gives up when the client is gone, and so is its session."""
        task = asyncio.create_task(work)
        ended = asyncio.create_task(self._reader.ended.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ConnectionResetError("the client is gone")
        finally:
            ended.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, SqlError, OSError):
                    await task

    async def _pump(self) -> None:
        frames = Frames()
        while data := await self._backend.reader.read(_CHUNK):
            out = [self._relayed(kind, body) for kind, body in frames.feed(data)]
            self._writer.write(b"".join(out))
            await self._writer.drain()
        if self._takeover:
            self._takeover.answers.put_nowait(None)

    def _relayed(self, kind: bytes, body: bytes) -> bytes:
        """Returns what the client gets of a message of the backend."""
        if self._takeover and kind not in (b"N", b"S", b"A"):
            self._takeover.answers.put_nowait((kind, body))
            return b""
        if kind == b"E":
            refusal = self._pending[0].refusal if self._pending else None
            self._settle_error()
            return error(refusal) if refusal else translate_error(body)
        if kind == b"C" and body in (b"BEGIN\0", b"COMMIT\0", b"ROLLBACK\0"):
            self._in_block = body == b"BEGIN\0"
        elif kind == b"Z":
            self._in_block = body != b"I"
        if self._pending and kind in _SETTLES[self._pending[0].kind]:
            self._pending.popleft()
            self._note_settled()
        return message(kind, body)

    def _settle_error(self) -> None:
        if self._pending and self._pending[0].kind == b"Q":
            return
        while self._pending and self._pending[0].kind != b"S":
            self._pending.popleft()
        self._skipping = not self._pending
        self._note_settled()

    def _note_settled(self) -> None:
        if not self._pending:
            self._settled.set()


def _log_bugs(outcomes: Iterable[BaseException | None]) -> None:
    """Logs where an error arose that nobody foresaw, not its text: that may hold values."""
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, _EXPECTED):
            where = "".join(traceback.format_tb(outcome.__traceback__))
            _log.error("A session was ended by %s:\n%s", type(outcome).__name__, where)
