"""The gateway's process: PostgreSQL below, clients above, and a control connection for tests."""

import asyncio
import json
import signal
import ssl
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from runners.local.redshift.copy import Store
from runners.local.redshift.errors import SqlError
from runners.local.redshift.hub import Hub
from runners.local.redshift.login import Cancel, Watched, authenticate, negotiate, start_backend
from runners.local.redshift.postgres import Postgres
from runners.local.redshift.session import Session
from runners.local.redshift.sql import IDLE_TIMEOUTS
from runners.local.redshift.wire import error

__all__ = ["main"]

_HOST = "127.0.0.1"
_CATALOG = Path(__file__).with_name("catalog.sql")
#: Redshift's default: each transaction sees the snapshot of its first statement.
_ISOLATION = "repeatable read"
_Handler = Callable[[Watched, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def main(configuration: Path) -> None:
    """Serves until SIGTERM, or until PostgreSQL ends.

    Args:
        configuration: a JSON file: ``data``, ``certificate``, ``port``, ``control_port``,
            ``database``, ``user``, ``password``, ``role``, ``s3`` (arguments of a boto3 client).
    """
    asyncio.run(_serve(json.loads(configuration.read_text())))


async def _serve(config: Mapping[str, Any]) -> None:
    postgres = Postgres(Path(config["data"]))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await _set_up(postgres, config, new=await postgres.start())
        gateway = Gateway(await _hub(postgres, config), config["certificate"])
        await _listen(config["port"], gateway.client)
        await _listen(config["control_port"], gateway.control)
        while not stopped.is_set() and postgres.is_alive():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), 0.5)
    finally:
        postgres.stop()


async def _hub(postgres: Postgres, config: Mapping[str, Any]) -> Hub:
    admin = await postgres.connect(config["database"])
    # Limits are for clients; it idles for most of the time.
    for name in IDLE_TIMEOUTS:
        await admin.query(f"SET {name} = 0")
    return Hub(
        socket=postgres.socket,
        admin=admin,
        store=Store(config["s3"]),
        role=config["role"],
    )


async def _set_up(postgres: Postgres, config: Mapping[str, Any], *, new: bool) -> None:
    """Makes the clients' user and database, with Redshift's functions and views."""
    user, database = config["user"], config["database"]
    admin = await postgres.connect("postgres")
    if new:
        await admin.query(f'CREATE ROLE "{user}" SUPERUSER LOGIN')
        await admin.query(f'CREATE DATABASE "{database}" OWNER "{user}"')
        catalog = await postgres.connect(database)
        for statement in _CATALOG.read_text().split("\n---\n"):
            await catalog.query(statement)
        catalog.close()
        postgres.mark_complete()
    await admin.query(f"""ALTER ROLE "{user}" PASSWORD '{config["password"]}'""")
    await admin.query(
        f"""ALTER DATABASE "{database}" SET default_transaction_isolation = '{_ISOLATION}'"""
    )
    admin.close()


async def _listen(port: int, handler: _Handler) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: asyncio.StreamReaderProtocol(Watched(), handler),  # type: ignore[arg-type]
        _HOST,
        port,
    )


class Gateway:
    """What happens to a connection.

    Args:
        hub: what all sessions share.
        certificate: a PEM file with the server's key and chain.
    """

    def __init__(self, hub: Hub, certificate: str) -> None:
        self._hub = hub
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    async def client(self, reader: Watched, writer: asyncio.StreamWriter) -> None:
        """Serves a client's connection."""
        if self._hub.faults.refusing:
            writer.transport.abort()
            return
        try:
            await self._session(reader, writer)
        except SqlError as refusal:
            writer.write(error(refusal, "FATAL"))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _session(self, reader: Watched, writer: asyncio.StreamWriter) -> None:
        parameters = await negotiate(reader, writer, self._tls)
        if isinstance(parameters, Cancel):
            await self._cancel(parameters)
            return
        user = await authenticate(reader, writer, self._hub.query, parameters)
        backend, pid = await start_backend(self._hub.socket, user, parameters, writer)
        session = Session(reader, writer, backend, self._hub)
        self._hub.sessions[pid] = session
        try:
            await session.run()
        finally:
            del self._hub.sessions[pid]

    async def _cancel(self, request: Cancel) -> None:
        _, writer = await asyncio.open_unix_connection(self._hub.socket)
        writer.write(request.packet)
        await writer.drain()
        writer.close()
        if session := self._hub.sessions.get(request.pid):
            session.cancel()

    async def _command(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "timeout":
            await self._hub.limit_idling(int(request["seconds"]))
            return {}
        await self._hub.query("SELECT 1")
        return self._hub.faults.command(request)

    async def control(self, reader: Watched, writer: asyncio.StreamWriter) -> None:
        """Answers each line, a JSON request to the faults, with one of JSON."""
        while line := await reader.readline():
            try:
                answer = await self._command(json.loads(line))
            except (ValueError, KeyError, TypeError) as failure:
                answer = {"error": str(failure)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()
