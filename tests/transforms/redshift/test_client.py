"""Errors of the driver become ours, by SQLSTATE, and never with a value."""

import struct

import pytest
from redshift_connector.error import InterfaceError, ProgrammingError

from transforms.errors import (
    ConfigurationError,
    CopyDataError,
    WarehouseConflictError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.redshift import client
from transforms.redshift.client import Session, connect, translated
from transforms.redshift.settings import RedshiftSettings

SECRET = "John Doe"


def raised(code: str, text: str = SECRET, detail: str = SECRET) -> ProgrammingError:
    return ProgrammingError({"C": code, "M": text, "D": detail})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            raised("XX000", "1023", f"Serializable isolation violation {SECRET}"),
            WarehouseConflictError,
        ),
        (raised("40001"), WarehouseConflictError),
        (raised("40P01"), WarehouseConflictError),
        (raised("0A000", "cached plan must not change result type"), WarehouseConflictError),
        (raised("57014"), WarehouseUnavailableError),
        (raised("57P01"), WarehouseUnavailableError),
        (raised("25P03"), WarehouseUnavailableError),
        (raised("53300"), WarehouseUnavailableError),
        (raised("28000"), ConfigurationError),
        (raised("XX000", "Spectrum Scan Error"), CopyDataError),
        (raised("XX000", "S3ServiceException:Access Denied,Status 403"), WarehouseUnavailableError),
        (raised("XX000", "Spectrum Scan Error: Retries exceeded"), WarehouseUnavailableError),
        (raised("22001"), CopyDataError),
        (raised("XX000"), WarehouseError),
        (raised("25P02"), WarehouseError),
        (InterfaceError("communication error"), WarehouseUnavailableError),
        (ConnectionResetError(SECRET), WarehouseUnavailableError),
        (TimeoutError(SECRET), WarehouseUnavailableError),
        (struct.error("unpack requires a buffer of 5 bytes"), WarehouseUnavailableError),
    ],
    ids=str,
)
def test_each_error_is_of_the_kind_that_says_what_to_do(error, kind):
    found = translated(error, "COPY staging FROM")
    assert type(found) is kind
    assert SECRET not in str(found)


def test_a_text_about_names_is_passed_on():
    found = translated(raised("42P01", 'relation "x" does not exist'), "SELECT 1")
    assert 'relation "x" does not exist' in str(found)


def test_the_code_of_copys_reader_is_told():
    found = translated(
        raised("XX000", "Spectrum Scan Error", f"code:      15007\ncontext: {SECRET}"), "COPY a"
    )
    assert "15007" in str(found)
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "context",
    [
        "Forbidden: HTTP response error code: 403 Message: AccessDenied Access Denied",
        "S3 Query Exception (Fetch). Task failed due to an internal error. File not found",
        "Request timed out",
        "Retries exceeded",
    ],
)
def test_a_file_that_copy_can_not_read_says_nothing_about_its_rows(context):
    error = raised("XX000", "Spectrum Scan Error", f"code:      15001\ncontext: {context} {SECRET}")
    found = translated(error, "COPY a")
    assert type(found) is WarehouseUnavailableError
    assert "s3:GetObject" in found.remedy
    assert SECRET not in str(found)


class Driver:
    """A driver's connection whose statements fail as told."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.sent = []

    def cursor(self):
        return self

    def execute(self, sql, parameters=None):
        self.sent.append(sql)
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error

    rowcount = 1


class TestSession:
    def test_a_transaction_is_rolled_back_if_its_block_fails(self):
        driver = Driver()
        with pytest.raises(KeyError), Session(driver).transaction():
            raise KeyError
        assert driver.sent == ["BEGIN", "ROLLBACK"]

    def test_a_rollback_on_a_connection_that_is_gone_hides_nothing(self):
        driver = Driver(None, OSError())
        with pytest.raises(KeyError), Session(driver).transaction():
            raise KeyError
        assert driver.sent[-1] == "ROLLBACK"

    def test_the_drivers_error_does_not_stay_attached(self):
        with pytest.raises(CopyDataError) as caught:
            Session(Driver(raised("22001"))).execute("COPY a FROM b")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


class TestConnect:
    def arguments(self, monkeypatch, **settings):
        found = {}

        def record(**arguments):
            found.update(arguments)
            raise OSError

        monkeypatch.setattr(client.redshift_connector, "connect", record)
        with pytest.raises(WarehouseUnavailableError):
            connect(RedshiftSettings(**settings))
        return found

    def test_the_servers_certificate_is_always_checked(self, monkeypatch):
        monkeypatch.setenv("P", "word")
        found = self.arguments(monkeypatch, host="h", user="u", password="env:P")
        assert (found["ssl"], found["sslmode"], found["password"]) == (True, "verify-full", "word")
        assert found["max_prepared_statements"] == 0

    def test_iam_asks_for_credentials_of_a_cluster_or_of_a_workgroup(self, monkeypatch):
        cluster = self.arguments(
            monkeypatch, iam=True, cluster_identifier="c", user="u", region="r"
        )
        assert (cluster["iam"], cluster["cluster_identifier"], cluster["db_user"]) == (
            True,
            "c",
            "u",
        )
        assert cluster["region"] == "r"
        serverless = self.arguments(monkeypatch, iam=True, workgroup="w")
        assert (serverless["is_serverless"], serverless["serverless_work_group"]) == (True, "w")

    def test_a_certificate_is_trusted_for_the_connection_only(self, monkeypatch):
        monkeypatch.setenv("P", "word")
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        seen = []

        def record(**_):
            seen.append(client.os.environ.get("SSL_CERT_FILE"))
            raise OSError

        monkeypatch.setattr(client.redshift_connector, "connect", record)
        for before in (None, "mine.pem"):
            if before:
                monkeypatch.setenv("SSL_CERT_FILE", before)
            with pytest.raises(WarehouseUnavailableError):
                connect(RedshiftSettings(host="h", user="u", password="env:P", ca="ca.pem"))
            assert client.os.environ.get("SSL_CERT_FILE") == before
        assert seen == ["ca.pem", "ca.pem"]
