"""Amazon Redshift, and only it: the one module of the warehouse that knows its driver.

The driver's own transactions are off (autocommit): BEGIN, LOCK and COMMIT are statements that the
loader sends, so that LOCK comes first, and so that no ``commit()`` can hide that the server rolled
back.
"""

import os
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import redshift_connector
from redshift_connector.error import Error as DriverError

from transforms.crash_points import crash_point
from transforms.errors import (
    ConfigurationError,
    CopyDataError,
    PipelineError,
    WarehouseConflictError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.redshift.settings import RedshiftSettings
from transforms.secrets import resolve

#: What a call may raise. Where the server closes the connection in the middle of an answer, the
#: driver's own reading fails, by whatever it was doing.
FAILURES: Final = (
    DriverError,
    OSError,
    struct.error,
    IndexError,
    AttributeError,
)
#: SQLSTATEs after which the same transaction may succeed: serialization failure, deadlock.
_CONFLICTS: Final = ("40001", "40P01")
#: The session was ended, or is not let in for now: connection failures, shutdowns, idle time-outs.
_GONE: Final = re.compile(r"08...|53...|57P..|25P03")
#: A statement that was cancelled by its time-out, mostly while it waited for the lock.
_CANCELLED: Final = "57014"
#: Errors about names, syntax and rights: their texts are about the configuration, never of rows.
_ABOUT_SQL: Final = re.compile(r"0A...|2B...|3D...|3F...|42...")
_DATA: Final = re.compile(r"22...|23...")
#: Texts of XX000, Redshift's code for nearly anything, that hold no value.
_HARMLESS: Final = (
    "Mandatory url is not present in manifest file.",
    "File size in manifest does not match the file.",
    "Problem reading manifest file",
)
_SPECTRUM: Final = "Spectrum Scan Error"
_SPECTRUM_CODE: Final = re.compile(r"code:\s+(\d+)")
#: What COPY says when it can't get at a file at all: no matter of the file's rows, though it comes
#: with the same text and code. None of these is a name or a value of ours.
_UNREADABLE: Final = re.compile(
    r"Access ?Denied|Forbidden|File not found|does not exist|Retries exceeded|"
    r"No more data to read|[Tt]imed? ?out|Slow ?Down|Service ?Unavailable"
)
#: The driver waits so much longer than the server does, so that the server's answer comes first.
_MARGIN_S: Final = 15

_environment = threading.Lock()


class Session:
    """One connection; one thread at a time. Statements outside of BEGIN ... COMMIT are their own.

    Args:
        connection: The driver's, in autocommit.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs a statement.

        Args:
            sql: With ``%s`` for each parameter.
            parameters: Values, of constant types.

        Returns:
            How many rows it touched; -1 where that means nothing.

        Raises:
            RetryableError: The connection broke, or another transaction won.
            CopyDataError: It met data that doesn't fit.
            WarehouseError: It was refused.
        """
        return int(self._run(sql, parameters, lambda cursor: cursor.rowcount))

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns all rows of a query that has few; see ``execute``."""
        rows = self._run(sql, parameters, lambda cursor: cursor.fetchall())
        return [tuple(row) for row in rows]

    def select(self, sql: str) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        """Returns the names of a query's columns, and all rows of it; see ``execute``."""

        def result(cursor: Any) -> Any:
            names = tuple(str(column[0]) for column in cursor.description)
            return names, tuple(tuple(row) for row in cursor.fetchall())

        found: tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]] = self._run(sql, (), result)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN and COMMIT around a block; ROLLBACK if it raises."""
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.abandon()
            raise
        self.execute("COMMIT")

    def abandon(self) -> None:
        """Rolls back; a connection that is gone has done so."""
        with suppress(PipelineError):
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Leaves the warehouse; what isn't committed is rolled back."""
        try:
            self._connection.close()
        except FAILURES:
            return  # It was gone already.

    def cut(self) -> None:
        """Breaks the connection, from any thread: a statement under way fails in its own."""
        with suppress(OSError):  # It was gone already.
            # Past TLS, whose state belongs to the thread that runs the statement.
            socket.socket.shutdown(self._connection._usock, socket.SHUT_RDWR)

    def _run(self, sql: str, parameters: Sequence[Any], result: Any) -> Any:
        crash_point("redshift.before_statement")
        try:
            cursor = self._connection.cursor()
            # Without parameters none are looked for: a literal may hold a percent sign.
            cursor.execute(sql, tuple(parameters)) if parameters else cursor.execute(sql)
            found = result(cursor)
        except FAILURES as error:
            # Without its cause: that one may hold values of rows.
            raise translated(error, sql) from None
        crash_point("redshift.after_statement")
        return found


def connect(settings: RedshiftSettings) -> Session:
    """Logs in.

    Raises:
        WarehouseUnavailableError: It can't be reached, or lets nobody in for now.
        ConfigurationError: It refused the user, the password or the database.
        SecretError: The password's reference names nothing.
    """
    try:
        with _trusting(settings.ca):
            connection = redshift_connector.connect(**_arguments(settings))
        connection.autocommit = True
        # Set for connecting until now; from now on a statement may take its time.
        connection._usock.settimeout(settings.statement_timeout_s + _MARGIN_S)
    except FAILURES as error:
        raise translated(error, "") from None
    session = Session(connection)
    session.execute(f"SET statement_timeout TO {settings.statement_timeout_s * 1000}")
    session.execute("SET query_group TO 'pharmabeam'")
    # The fences are to be read, not to be remembered.
    session.execute("SET enable_result_cache_for_session TO off")
    return session


def _arguments(settings: RedshiftSettings) -> dict[str, Any]:
    shared = {
        "database": settings.database,
        "port": settings.port,
        "ssl": True,
        "sslmode": "verify-full",
        "timeout": settings.connect_timeout_s,
        "tcp_keepalive": True,
        "application_name": "pharmabeam",
        # Else each combination of integers' widths stays prepared on the server.
        "max_prepared_statements": 0,
    }
    if settings.host:
        shared["host"] = settings.host
    if settings.region:
        shared["region"] = settings.region
    if not settings.iam:
        assert settings.password is not None
        return {**shared, "user": settings.user, "password": resolve(settings.password)}
    if settings.workgroup:
        named = {"is_serverless": True, "serverless_work_group": settings.workgroup}
    else:
        named = {"cluster_identifier": settings.cluster_identifier, "db_user": settings.user}
    return {**shared, **named, "iam": True, "user": "", "password": ""}


@contextmanager
def _trusting(ca: str | None) -> Iterator[None]:
    """Lets the driver find other certificates: this variable is its only way to be told of them."""
    if ca is None:
        yield
        return
    with _environment:
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = ca
        try:
            yield
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before


def translated(error: Exception, sql: str) -> PipelineError:
    """Maps an error of the driver to one of ours, which holds no value of any row.

    Args:
        error: What the driver raised.
        sql: The statement; its first words are named.
    """
    fields = error.args[0] if error.args and isinstance(error.args[0], dict) else None
    if fields is None:
        return WarehouseUnavailableError(
            f"the connection to the warehouse broke or was not made ({type(error).__name__})",
            "Check its address, that it runs, and its certificate",
        )
    code, text = str(fields.get("C", "")), str(fields.get("M", ""))
    what = f"the warehouse refused {_named(sql)}: SQLSTATE {code}"
    if code in _CONFLICTS or (code == "XX000" and text.startswith("1023")) or "cached plan" in text:
        return WarehouseConflictError(what, "It is tried again")
    if code == _CANCELLED:
        return WarehouseUnavailableError(
            f"{_named(sql)} took longer than the session's statement_timeout",
            "Another load may hold the lock: see python -m beam_pipelines.warehouse status",
        )
    if _GONE.fullmatch(code):
        return WarehouseUnavailableError(what, "It is tried again")
    if code.startswith("28"):
        return ConfigurationError(f"{what}, the login", "Check user, password and database")
    return _refused(what, code, text, str(fields.get("D", "")))


def _refused(what: str, code: str, text: str, detail: str) -> PipelineError:
    copies = text.startswith(_SPECTRUM)
    if text.startswith("S3ServiceException") or (copies and _UNREADABLE.search(text + detail)):
        return WarehouseUnavailableError(
            f"{what}, it can't read the lake",
            "May its role read the lake (s3:GetObject, s3:ListBucket), and are all files there?",
        )
    if copies:
        found = _SPECTRUM_CODE.search(detail)
        return CopyDataError(f"{what}, COPY's code {found[1] if found else 'unknown'}")
    if _DATA.fullmatch(code):
        return CopyDataError(what)
    if _ABOUT_SQL.fullmatch(code):
        return WarehouseError(f"{what}, {text}", "Is the schema up to date? See warehouse migrate")
    harmless = next((each for each in _HARMLESS if text.startswith(each)), "")
    return WarehouseError(f"{what}, {harmless}" if harmless else what)


def _named(sql: str) -> str:
    """Returns a statement's first words; values come as parameters or much later."""
    return " ".join(sql.split()[:3]) or "the connection"
