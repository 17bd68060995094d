"""As much of HTTP/1.1 as a proxy needs: heads, and where bodies end. Bytes stay as they came."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

# A bulk delete of 1,000 keys has a large body, but heads are small; more is not HTTP.
_LONGEST_LINE = 65_536
_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request or a response.

    Attributes:
        head: start line and headers as received, with the empty line.
        body: the body as received, chunk framing included; empty while it isn't read.
    """

    head: bytes
    body: bytes = b""

    @cached_property
    def start(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @cached_property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in pairs}

    @property
    def method(self) -> str:
        return self.start.split(" ", 1)[0]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        text = self.headers.get("content-length")
        return None if text is None else int(text)

    @property
    def closes(self) -> bool:
        unframed = self.status >= 200 and self.length is None and not self.chunked
        bodiless = self.status in (204, 304)
        return self.headers.get("connection", "").lower() == "close" or (unframed and not bodiless)


def read_request(stream: BinaryIO, client: socket.socket) -> Message | None:
    """Returns the next whole request, None if the client has closed.

    Raises:
        EOFError: the client closed in the middle.
    """
    try:
        head = read_head(stream)
    except EOFError:
        return None
    if head.headers.get("expect", "").lower() == "100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts = _chunks(stream) if head.chunked else _exactly(stream, head.length or 0)
    return Message(head=head.head, body=b"".join(parts))


def read_head(stream: BinaryIO) -> Message:
    """Returns a message without its body.

    Raises:
        EOFError: the peer closed before the head was complete.
    """
    lines: list[bytes] = []
    while not lines or lines[-1] != b"\r\n":
        line = stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        lines.append(line)
    return Message(head=b"".join(lines))


def body_of_response(head: Message, stream: BinaryIO, method: str) -> Iterator[bytes]:
    """Yields a response's body as it comes, chunk framing included."""
    if method == "HEAD" or head.status in (204, 304):
        return iter(())
    if head.chunked:
        return _chunks(stream)
    if head.length is not None:
        return _exactly(stream, head.length)
    return iter(lambda: stream.read(_CHUNK), b"")


def _exactly(stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        part = stream.read(min(length, _CHUNK))
        if not part:
            raise EOFError
        length -= len(part)
        yield part


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    size = None
    while size != 0:
        line = stream.readline(_LONGEST_LINE)
        yield line
        size = int(line.split(b";")[0], 16)
        if size:
            yield from _exactly(stream, size + 2)
    # Trailers, up to the empty line.
    while True:
        line = stream.readline(_LONGEST_LINE)
        yield line
        if line in (b"\r\n", b""):
            return
