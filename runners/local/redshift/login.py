"""From the first byte of a client to a session: TLS, who it is, and the start of its backend."""

import asyncio
import hashlib
import hmac
import secrets
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runners.local.redshift.errors import SqlError
from runners.local.redshift.wire import Backend, message, receive

__all__ = ["Cancel", "Watched", "authenticate", "negotiate", "start_backend"]

_SSL, _GSS, _CANCEL = 80_877_103, 80_877_104, 80_877_102
_PROTOCOL_3 = 3
_LARGEST = 100_000

# What Redshift's drivers add to the startup message is unknown to PostgreSQL.
_PASSED_ON = ("application_name", "client_encoding", "datestyle", "timezone")

#: What Redshift says it is; drivers choose their ways by it.
_VERSION = b"server_version\x008.0.2\x00"


class Watched(asyncio.StreamReader):
    """A reader that tells when the client is gone, though nobody reads from it.

    Attributes:
        ended: set at the end of the stream, however it came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    def feed_eof(self) -> None:
        """Notes the end."""
        super().feed_eof()
        self.ended.set()

    def set_exception(self, exc: Exception) -> None:
        """Notes a broken connection."""
        super().set_exception(exc)
        self.ended.set()


@dataclass(frozen=True)
class Cancel:
    """A request to cancel what another connection runs.

    Attributes:
        pid: its backend.
        packet: the request, for PostgreSQL.
    """

    pid: int
    packet: bytes


async def negotiate(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext
) -> dict[str, str] | Cancel:
    """Reads what comes before a session; returns the startup parameters.

    Raises:
        SqlError: the client won't have TLS, or speaks something else.
    """
    secure = False
    while True:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if not 8 <= size <= _LARGEST:
            raise SqlError("08P01", "invalid length of startup packet")
        body = await reader.readexactly(size - 4)
        code = int.from_bytes(body[:4], "big")
        if code == _CANCEL:
            packet = struct.pack("!I", size) + body
            return Cancel(int.from_bytes(body[4:8], "big"), packet)
        if code == _SSL and not secure:
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(tls)
            secure = True
        elif code == _GSS:
            writer.write(b"N")
        elif code >> 16 == _PROTOCOL_3:
            return _parameters(body[4:], secure=secure)
        else:
            raise SqlError("0A000", "unsupported frontend protocol")


def _parameters(body: bytes, *, secure: bool) -> dict[str, str]:
    words = body.decode("utf-8", "replace").split("\0")
    found = dict(zip(words[::2], words[1::2], strict=False))
    if not secure:
        who = f'user "{found.get("user", "")}", database "{found.get("database", "")}"'
        raise SqlError("28000", f'no pg_hba.conf entry for host "127.0.0.1", {who}, SSL off')
    return found


async def authenticate(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    query: Callable[[str], Awaitable[list[list[str | None]]]],
    parameters: dict[str, str],
) -> str:
    """Asks for the password and compares it with PostgreSQL's; returns the user.

    A user of IAM (``IAM:name``) shows whatever password GetClusterCredentials gave out; it is
    taken, since only AWS could tell whether it is right.

    Raises:
        SqlError: another password, or no such user.
    """
    given = parameters.get("user", "")
    iam, _, user = given.rpartition(":")
    name = user.replace("'", "''")
    found = await query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{name}'")
    salt = secrets.token_bytes(4)
    method = struct.pack("!I", 3) if iam.startswith("IAM") else struct.pack("!I", 5) + salt
    writer.write(message(b"R", method))
    _, answer = await receive(reader)
    stored = (found[0][0] or "") if found else ""
    wanted = "md5" + hashlib.md5(stored[3:].encode() + salt).hexdigest()
    right = bool(stored) and hmac.compare_digest(answer.rstrip(b"\0"), wanted.encode())
    if not found or not (right or iam.startswith("IAM")):
        raise SqlError("28000", f'password authentication failed for user "{given}"')
    return user


async def start_backend(
    socket: str, user: str, parameters: dict[str, str], writer: asyncio.StreamWriter
) -> tuple[Backend, int]:
    """Starts a backend and tells the client what it says; returns it and its pid.

    Raises:
        SqlError: PostgreSQL refuses, such as for an unknown database.
    """
    passed = {key: value for key, value in parameters.items() if key in _PASSED_ON}
    database = parameters.get("database") or user
    backend = await Backend.connect(socket, {**passed, "user": user, "database": database})
    pid = 0
    for kind, body in backend.greeting:
        if kind == b"K":
            pid = int.from_bytes(body[:4], "big")
        is_version = kind == b"S" and body.startswith(b"server_version\0")
        writer.write(message(kind, _VERSION if is_version else body))
    return backend, pid
