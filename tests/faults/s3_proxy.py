"""A fault proxy in front of an S3 server: what networks and S3 do to a request, on demand.

    with S3Proxy(s3.port) as proxy:
        proxy.add(Late(5), method="PUT", key="_commits/")
        client = s3.client(endpoint_url=proxy.endpoint_url)

Requests are stored whole and forwarded byte for byte, Host header included: a client signs for the
proxy's address, and the server checks the signature against the header that it gets. Each request
has its own connection to the server, so a server that was restarted is simply found again.
"""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, Self
from urllib.parse import unquote

from tests.faults.http_wire import Message, body_of_response, read_head, read_request
from tests.faults.rules import (
    Action,
    Cut,
    CutReply,
    Delay,
    Hang,
    Late,
    Reset,
    Rule,
    Seen,
    Slow,
    Status,
)

HOST = "127.0.0.1"

# Longer than any pause that a test asks for; a server that is silent for so long is frozen.
_TIMEOUT_S = 120

_CODES = {
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
    500: "InternalError",
    503: "SlowDown",
}


class S3Proxy:
    """A proxy on a port of its own, in threads of this process.

    Args:
        port: of the S3 server on the loopback address.
    """

    def __init__(self, port: int) -> None:
        self._server = (HOST, port)
        self._rules: list[Rule] = []
        self._seen: list[Seen] = []
        self._changed = threading.Condition()
        self._landing = threading.Event()
        self._closing = threading.Event()
        self._clients: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0), backlog=128)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._landing.set()
        with self._changed:
            sockets = [self._listener, *self._clients]
        for open_socket in sockets:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    @property
    def endpoint_url(self) -> str:
        """The address for clients."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    @property
    def seen(self) -> list[Seen]:
        """The requests whose outcome is settled, in that order; a late one comes twice.

        A request is in it before the client has its answer.
        """
        with self._changed:
            return list(self._seen)

    def add(
        self,
        action: Action,
        *,
        method: str = "*",
        key: str = "",
        query: str = "",
        nth: int = 1,
        count: float = 1,
    ) -> Rule:
        """Adds a rule; of several that take a request the first one added is applied.

        Args:
            action: what befalls the request.
            method: as in ``PUT``; ``*`` for any.
            key: regular expression, searched in the key.
            query: regular expression, searched in the raw query string.
            nth: first matching request that is hit, from 1.
            count: how many from there on; ``math.inf`` for all.
        """
        rule = Rule(
            action=action,
            method=method,
            key=re.compile(key),
            query=re.compile(query),
            nth=nth,
            count=count,
        )
        with self._changed:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Removes all rules; what is under way goes on."""
        with self._changed:
            self._rules.clear()

    def land(self) -> None:
        """Lets every request of ``Late(None)`` take effect, those to come as well."""
        self._landing.set()

    def wait_for(self, wanted: Callable[[Seen], bool], timeout: float = 30) -> Seen:
        """Returns the first request that fits, waiting for it if need be."""

        def find() -> Seen | None:
            return next((seen for seen in self._seen if wanted(seen)), None)

        with self._changed:
            found = self._changed.wait_for(find, timeout)
        assert found is not None, f"no such request within {timeout} s"
        return found

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Handles one client's requests, one after the other."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._clients.add(client)
        try:
            with client, client.makefile("rb") as stream, contextlib.suppress(OSError, EOFError):
                while (request := read_request(stream, client)) and not self._closing.is_set():
                    self._handle(client, request)
        finally:
            with self._changed:
                self._clients.discard(client)

    def _handle(self, client: socket.socket, request: Message) -> None:
        """Applies the rules to one request.

        Raises:
            OSError: the connection is over, by a rule or because the client or server left.
        """
        method, target, _ = request.start.split(" ", 2)
        path, _, query = target.partition("?")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        action = self._choose(method, key, query)
        seen = Seen(method=method, bucket=bucket, key=key, query=query, action=action)
        exchange = _Exchange(client, request, self._server, self._recorder(seen))
        try:
            self._apply(exchange, action)
        finally:
            exchange.settle()
        if isinstance(action, Late):
            arguments = (request, seen, action)
            threading.Thread(target=self._land_later, args=arguments, daemon=True).start()
            raise ConnectionResetError

    def _choose(self, method: str, key: str, query: str) -> Action | None:
        with self._changed:
            taken = [rule.action for rule in self._rules if rule.takes(method, key, query)]
        return taken[0] if taken else None

    def _recorder(self, seen: Seen) -> Callable[[int | None, int | None], None]:
        """Returns what an exchange calls once, with the client's and the server's status."""

        def record(status: int | None, server_status: int | None) -> None:
            with self._changed:
                settled = replace(seen, status=status, server_status=server_status)
                self._seen.append(settled)
                self._changed.notify_all()

        return record

    def _apply(self, exchange: "_Exchange", action: Action | None) -> None:
        match action:
            case None:
                exchange.forward()
            case Status(status, code):
                exchange.refuse(status, code or _CODES.get(status, "InternalError"))
            case Delay(seconds):
                self._closing.wait(seconds)
                exchange.forward()
            case Reset(after_effect):
                exchange.forward(reply=0.0) if after_effect else None
                exchange.reset()
            case Hang(seconds, after_effect):
                exchange.forward(reply=0.0) if after_effect else None
                self._closing.wait(seconds)
                raise ConnectionAbortedError
            case Late():
                exchange.hang_up()
            case Cut(share):
                exchange.cut(share)
            case CutReply(share):
                exchange.forward(reply=share)
                exchange.reset()
            case Slow(rate):
                exchange.forward(rate=rate)

    def _land_later(self, request: Message, seen: Seen, action: Late) -> None:
        """Sends the request when its time has come, for nobody."""
        self._landing.wait() if action.seconds is None else self._closing.wait(action.seconds)
        if self._closing.is_set():
            return
        exchange = _Exchange(None, request, self._server, self._recorder(seen))
        with contextlib.suppress(OSError, EOFError):
            exchange.forward(reply=0.0)
        exchange.settle()


class _Exchange:
    """One request on its way to the server, and its answer on the way back."""

    def __init__(
        self,
        client: socket.socket | None,
        request: Message,
        server: tuple[str, int],
        record: Callable[[int | None, int | None], None],
    ) -> None:
        self._client = client
        self._request = request
        self._address = server
        self._record = record
        self._settled = False
        self._server_status: int | None = None

    def settle(self, status: int | None = None) -> None:
        """Records the outcome, once, and before the client can know it."""
        if not self._settled:
            self._settled = True
            self._record(status, self._server_status)

    def forward(self, *, rate: float | None = None, reply: float | None = None) -> None:
        """Sends the request and relays the answer: all of it, or a share of its body.

        A share of 0 relays nothing, not even the head.
        """
        try:
            server = socket.create_connection(self._address, timeout=_TIMEOUT_S)
        except OSError:
            self.reset()
        with server, server.makefile("rb") as stream:
            # A server may refuse early, with its answer sent and the rest of the body unread.
            with contextlib.suppress(ConnectionError):
                self._send(server, rate)
            head = read_head(stream)
            while head.status == 100:
                head = read_head(stream)
            self._server_status = head.status
            self._relay(head, stream, reply)

    def _send(self, server: socket.socket, rate: float | None) -> None:
        server.sendall(self._request.head)
        if rate is None:
            return server.sendall(self._request.body)
        step = max(1, int(rate / 20))
        for at in range(0, len(self._request.body), step):
            server.sendall(self._request.body[at : at + step])
            time.sleep(1 / 20)

    def _relay(self, head: Message, stream: BinaryIO, share: float | None) -> None:
        parts = body_of_response(head, stream, self._request.method)
        if share is not None:
            body = b"".join(parts)
            parts = iter([body[: int(len(body) * share)]])
        if share == 0 or self._client is None:
            return
        self.settle(head.status)
        self._client.sendall(head.head)
        for part in parts:
            self._client.sendall(part)
        if head.closes:
            raise ConnectionAbortedError

    def refuse(self, status: int, code: str) -> None:
        """Answers in the server's place."""
        assert self._client is not None
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Injected</Message></Error>"
        head = (
            f"HTTP/1.1 {status} Injected\r\nContent-Type: application/xml\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.settle(status)
        self._client.sendall((head + (body if self._request.method != "HEAD" else "")).encode())

    def cut(self, share: float) -> None:
        """Leaves the server with the beginning of a request."""
        with socket.create_connection(self._address, timeout=_TIMEOUT_S) as server:
            length = int(len(self._request.body) * share)
            server.sendall(self._request.head + self._request.body[:length])
            _reset(server)
        self.reset()

    def reset(self) -> None:
        """Resets the client's connection.

        Raises:
            ConnectionResetError: always; nothing more can be done for this client.
        """
        self.hang_up()
        raise ConnectionResetError

    def hang_up(self) -> None:
        """Makes the client's connection end in a reset, once its thread leaves it."""
        if self._client is not None:
            _reset(self._client)


def _reset(connection: socket.socket) -> None:
    """Closes with RST, as if the host had crashed and come back."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Takes effect when the last file object on the socket is closed too.
    connection.close()
