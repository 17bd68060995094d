"""Fixture: the stand-in for Amazon Redshift with what tests of loads need around it."""

import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector

from runners.local import S3, Redshift

_NUMBERS = itertools.count(1)


class Warehouse:
    """Connections, files and statements of one test."""

    def __init__(self, redshift: Redshift, bucket: str, s3: Any) -> None:
        self.redshift = redshift
        self.bucket = bucket
        self.prefix = f"copy-{next(_NUMBERS)}"
        self._s3 = s3
        self._open: list[Any] = []
        self._main: redshift_connector.Connection | None = None

    def connect(self, **changes: Any) -> redshift_connector.Connection:
        """Returns a new connection of redshift_connector, closed with the test."""
        settings = self.redshift.settings
        usual = {
            "host": "127.0.0.1",
            "port": self.redshift.port,
            "database": settings.database,
            "user": settings.user,
            "password": self.redshift.password,
        }
        return self._kept(redshift_connector.connect(**(usual | changes)))

    def psycopg(self, **changes: Any) -> psycopg.Connection[Any]:
        """Returns a new connection of psycopg, closed with the test."""
        usual = {
            "host": "127.0.0.1",
            "port": self.redshift.port,
            "dbname": self.redshift.settings.database,
            "user": self.redshift.settings.user,
            "password": self.redshift.password,
            "sslmode": "verify-full",
            "sslrootcert": str(self.redshift.ca_bundle),
        }
        return self._kept(psycopg.connect(**(usual | changes)))

    def run(self, sql: str) -> None:
        """Runs one statement in a transaction of its own."""
        with self._autocommit().cursor() as cursor:
            cursor.execute(sql)

    def all(
        self, sql: str, connection: redshift_connector.Connection | None = None
    ) -> list[list[Any]]:
        """Returns the rows of a query."""
        with (connection or self._autocommit()).cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def count(self, table: str) -> int:
        """Returns the committed rows of a table."""
        return int(self.all(f"select count(*) from {table}")[0][0])

    def table(self, columns: str) -> str:
        """Makes a table that no other test uses; returns its name."""
        name = f"t{next(_NUMBERS)}"
        self.run(f"create table {name} {columns}")
        return name

    def url(self, name: str) -> str:
        """Returns the address of an object of this test."""
        return f"s3://{self.bucket}/{self.prefix}/{name}"

    def put_bytes(self, name: str, body: bytes) -> int:
        """Puts an object; returns its size."""
        self._s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}", Body=body)
        return len(body)

    def put(self, name: str, rows: pa.Table) -> int:
        """Puts a Parquet file; returns its size."""
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        return self.put_bytes(name, buffer.getvalue())

    def copy_of(self, manifest: str, table: str) -> str:
        """Returns the COPY of a manifest."""
        source = self.url(manifest)
        return f"copy {table} from '{source}' iam_role default format as parquet manifest"

    def copy_sql(self, table: str, *files: pa.Table) -> str:
        """Puts files and their manifest; returns the COPY of them."""
        entries = []
        for file in files:
            name = f"{next(_NUMBERS)}.parquet"
            size = self.put(name, file)
            entry = {"url": self.url(name), "mandatory": True, "meta": {"content_length": size}}
            entries.append(entry)
        manifest = f"{next(_NUMBERS)}.manifest"
        self.put_bytes(manifest, json.dumps({"entries": entries}).encode())
        return self.copy_of(manifest, table)

    def close(self) -> None:
        """Closes all connections; those that a fault has cut are closed already."""
        for connection in self._open:
            try:
                connection.close()
            except (redshift_connector.Error, psycopg.Error, OSError):
                continue
        self._open, self._main = [], None

    def _autocommit(self) -> redshift_connector.Connection:
        if self._main is None:
            self._main = self.connect()
            self._main.autocommit = True
            # A test that waits for a lock of its own must fail, not hang.
            with self._main.cursor() as cursor:
                cursor.execute("set statement_timeout to 60000")
        return self._main

    def _kept(self, connection: Any) -> Any:
        self._open.append(connection)
        return connection


def authority(redshift: Redshift) -> Path:
    """The authority to trust, alone: the bundle's public roots cost each login 25 ms of CPU."""
    return redshift.folder / "tls" / "ca.pem"


def login(redshift: Redshift, schema: str) -> dict[str, Any]:
    """How the loader reaches the stand-in: fields of its ``RedshiftSettings``."""
    return {
        "host": "127.0.0.1",
        "port": redshift.port,
        "database": redshift.settings.database,
        "user": redshift.settings.user,
        "password": f"file:{redshift.folder / 'password'}",
        "ca": str(authority(redshift)),
        "schema": schema,
    }


def login_flags(redshift: Redshift, schema: str) -> list[str]:
    """The same as flags of a command."""
    return [f"--redshift_{name}={value}" for name, value in login(redshift, schema).items()]


def login_environ(redshift: Redshift) -> Mapping[str, str]:
    """The same as variables, without the schema."""
    return {**redshift.environ(), "REDSHIFT_CA": str(authority(redshift))}


def code_of(error: Exception) -> str:
    """Returns the SQLSTATE of an error of redshift_connector."""
    return str(error.args[0]["C"])


@pytest.fixture(scope="session")
def _s3_client(s3: S3) -> Any:
    """One for all tests: making it costs a third of a second."""
    return s3.client()


@pytest.fixture
def warehouse(
    redshift: Redshift, s3: S3, _s3_client: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Warehouse]:
    """The stand-in, trusted by redshift_connector, without faults before and after."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(redshift)))
    found = Warehouse(redshift, s3.bucket, _s3_client)
    yield found
    found.close()
    if redshift.is_alive():
        redshift.clear()


@pytest.fixture
def armed(warehouse: Warehouse) -> Callable[..., AbstractContextManager[None]]:
    """Arms a fault for a block, in which it must happen as often as it is armed."""

    @contextmanager
    def arm(match: str, action: str, **fields: Any) -> Iterator[None]:
        before = warehouse.redshift.fired()
        warehouse.redshift.arm(match, action, **fields)
        yield
        assert warehouse.redshift.fired() - before == fields.get("times", 1)

    return arm
