"""The PostgreSQL wire protocol, version 3: messages in and out.

Source: PostgreSQL's manual, "Message Formats".
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from socket import SO_SNDBUF, SOL_SOCKET

from runners.local.redshift.errors import SqlError

__all__ = [
    "Backend",
    "Frames",
    "command_complete",
    "error",
    "message",
    "receive",
    "row",
    "string",
    "translate_error",
    "translated",
]

_CHUNK = 256 * 1024

# Bytes under way to PostgreSQL, so that it has work while a COPY's encoder holds Python's lock; the
# kernel takes it for less where it allows less.
_AHEAD = 4 * 1024 * 1024


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Returns one message."""
    return kind + struct.pack("!I", len(body) + 4) + body


def string(text: str) -> bytes:
    """Returns text as messages hold it."""
    return text.encode() + b"\0"


def fields(body: bytes) -> dict[str, str]:
    """Returns the fields of an ErrorResponse or NoticeResponse by their letters."""
    parts = body.split(b"\0")
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in parts if part}


def error(found: SqlError, severity: str = "ERROR") -> bytes:
    """Returns an ErrorResponse."""
    given = {"S": severity, "C": found.code, "M": found.message, "D": found.detail}
    parts = [string(key + value) for key, value in given.items() if value]
    return message(b"E", b"".join(parts) + b"\0")


def translated(body: bytes) -> SqlError:
    """Returns the error that Redshift would send instead of PostgreSQL's."""
    found = fields(body)
    code, text, detail = found.get("C", "XX000"), found.get("M", ""), found.get("D", "")
    if code == "40001":
        detail = "Serializable isolation violation on table - 0, transactions forming the cycle"
        return SqlError("XX000", "1023", f"{detail} are: 0, 0 (pid:0)")
    if code == "23514" and found.get("n", "").startswith("rs_len_"):
        length = found["n"].split("_")[2]
        return SqlError("22001", f"value too long for type character varying({length})")
    # Of a broken constraint the detail is the row itself.
    return SqlError(code, text, "" if code.startswith("23") else detail)


def translate_error(body: bytes) -> bytes:
    """Returns the ErrorResponse for the client."""
    return error(translated(body), fields(body).get("S", "ERROR"))


def command_complete(tag: str) -> bytes:
    """Returns a CommandComplete."""
    return message(b"C", string(tag))


def startup(parameters: Mapping[str, str]) -> bytes:
    """Returns a startup message of protocol 3.0."""
    body = b"".join(string(key) + string(value) for key, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, 196_608) + body


class Frames:
    """Cuts a stream into whole messages, given in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yields kind and body of each message that is complete by now."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        while size - at >= 5:
            end = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big")
            if end > size:
                break
            yield data[at : at + 1], data[at + 5 : end]
            at = end
        self._rest = data[at:]


async def receive(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Returns kind and body of the next message.

    Raises:
        asyncio.IncompleteReadError: the connection ended.
    """
    head = await reader.readexactly(5)
    return head[:1], await reader.readexactly(int.from_bytes(head[1:], "big") - 4)


class Backend:
    """A connection to PostgreSQL over its private socket.

    Args:
        reader: from it.
        writer: to it.

    Attributes:
        greeting: what it said before it was ready.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.greeting: list[tuple[bytes, bytes]] = []

    @classmethod
    async def connect(cls, socket: str, parameters: Mapping[str, str]) -> "Backend":
        """Connects.

        Raises:
            SqlError: it refuses.
        """
        backend = cls(*await asyncio.open_unix_connection(socket, limit=_CHUNK))
        sending = backend.writer.get_extra_info("socket")
        sending.setsockopt(SOL_SOCKET, SO_SNDBUF, _AHEAD)
        backend.writer.write(startup(parameters))
        backend.greeting = [answer async for answer in backend._answers()]
        return backend

    async def query(self, sql: str) -> list[list[str | None]]:
        """Runs statements outside of any transaction; returns the rows as text.

        Raises:
            SqlError: PostgreSQL refused one.
        """
        self.writer.write(message(b"Q", string(sql)))
        return [row(body) async for kind, body in self._answers() if kind == b"D"]

    async def _answers(self) -> AsyncIterator[tuple[bytes, bytes]]:
        """Yields messages up to ReadyForQuery; then, or at the connection's end, an error."""
        failed: SqlError | None = None
        kind = b""
        while kind != b"Z":
            kind, body = await receive(self.reader)
            if kind == b"E":
                failed = translated(body)
            if failed and (kind == b"Z" or fields(body).get("S") == "FATAL"):
                raise failed
            yield kind, body

    def close(self) -> None:
        """Ends the connection."""
        self.writer.close()


def row(body: bytes) -> list[str | None]:
    """Returns the values of a DataRow as text."""
    values: list[str | None] = []
    at = 2
    for _ in range(int.from_bytes(body[:2], "big")):
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return values
