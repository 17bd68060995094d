import asyncio
import hashlib
import ssl
import struct

import pytest

from runners.local.redshift.errors import SqlError
from runners.local.redshift.login import Cancel, Watched, authenticate, negotiate


class Writer:
    """What the gateway writes."""

    def __init__(self) -> None:
        self.data = b""
        self.secured = False

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        pass

    async def start_tls(self, _: ssl.SSLContext) -> None:
        self.secured = True


def packet(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(body) + 8, code) + body


SSL, GSS = packet(80_877_103), packet(80_877_104)
STARTUP = packet(196_608, b"user\0awsuser\0database\0dev\0\0")


def run(sent: bytes):
    """Negotiates with what a client sent; returns the outcome and the writer."""

    async def main():
        reader, writer = Watched(), Writer()
        reader.feed_data(sent)
        reader.feed_eof()
        assert reader.ended.is_set()
        return await negotiate(reader, writer, ssl.create_default_context()), writer

    return asyncio.run(main())


class TestNegotiation:
    def test_a_client_gets_tls_and_tells_who_it_is(self):
        found, writer = run(GSS + SSL + STARTUP)
        assert found == {"user": "awsuser", "database": "dev", "": ""}
        assert (writer.data, writer.secured) == (b"NS", True)

    def test_without_tls_it_goes_no_further(self):
        with pytest.raises(SqlError, match="SSL off"):
            run(STARTUP)

    def test_a_request_to_cancel_needs_none(self):
        sent = packet(80_877_102, struct.pack("!II", 7, 8))
        assert run(sent)[0] == Cancel(7, sent)

    @pytest.mark.parametrize("sent", [packet(131_072), b"\0\0\0\1", b"GET / HTTP/1.1\r\n\r\n"])
    def test_anything_else_is_refused(self, sent):
        with pytest.raises(SqlError):
            run(sent)

    def test_a_client_that_is_gone_early_is_noticed(self):
        with pytest.raises(asyncio.IncompleteReadError):
            run(SSL[:5])


STORED = hashlib.md5(b"secretawsuser").hexdigest()


def log_in(user: str, password: str, stored: str | None = f"md5{STORED}") -> str:
    """Plays a client that answers with a password; returns whom the gateway takes it for."""

    async def query(_: str) -> list[list[str | None]]:
        return [[stored]] if stored is not None else []

    async def main() -> str:
        reader, writer = Watched(), Writer()

        def answer(data: bytes) -> None:
            method, salt = data[5:9], data[9:13]
            given = password
            if method == struct.pack("!I", 5):
                inner = hashlib.md5((password + user).encode()).hexdigest().encode()
                given = "md5" + hashlib.md5(inner + salt).hexdigest()
            body = given.encode() + b"\0"
            reader.feed_data(b"p" + struct.pack("!I", len(body) + 4) + body)

        writer.write = answer
        return await authenticate(reader, writer, query, {"user": user})

    return asyncio.run(main())


class TestAuthentication:
    def test_the_right_password_is_taken(self):
        assert log_in("awsuser", "secret") == "awsuser"

    @pytest.mark.parametrize(
        ("user", "password", "stored"),
        [
            ("awsuser", "wrong", f"md5{STORED}"),
            ("awsuser", "", f"md5{STORED}"),
            ("awsuser", "secret", ""),
            ("awsuser", "secret", None),
            ("IAM:awsuser", "anything", None),
        ],
    )
    def test_another_password_or_no_such_user_is_not(self, user, password, stored):
        with pytest.raises(SqlError, match="password authentication failed") as caught:
            log_in(user, password, stored)
        assert caught.value.code == "28000"

    @pytest.mark.parametrize("user", ["IAM:awsuser", "IAMA:awsuser"])
    def test_a_user_of_iam_is_taken_with_any(self, user):
        assert log_in(user, "whatever") == "awsuser"
