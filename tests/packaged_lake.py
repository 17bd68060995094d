"""A small lake of the packaged job, and the command ``warehouse`` at work on it."""

import random
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from beam_pipelines.warehouse import cli
from runners.local import S3, Redshift
from tests.fakes.chain import ROOT, FakeRuns
from tests.fakes.object_store import FakeBucket
from tests.faults.lakes import store_settings
from tests.twisted import varied
from tests.warehouse import Warehouse, login_environ
from transforms.lake import ObjectStore

#: Subcommands that need no lake.
_WITHOUT_LAKE = ("migrate", "grants", "ask")


def packaged_objects(events: int = 300) -> Mapping[str, bytes]:
    """The objects of a lake of the packaged job, by key."""
    bucket = FakeBucket()
    messages = varied(7, events, random.Random(7))
    FakeRuns(bucket).run(messages, lambda place, end: [end // 2])
    return bucket.store(ROOT).content


class Command:
    """``python -m beam_pipelines.warehouse`` on a lake, as the environment says.

    Args:
        lake_root: The lake's address.
        read: Returns what was written to standard output and standard error since.
        login: Flags by which it logs in, where the environment doesn't say.

    Attributes:
        schema: The schema's name.
        store: The lake's objects.
    """

    def __init__(
        self,
        lake_root: str,
        schema: str,
        store: ObjectStore,
        read: Callable[[], Any],
        login: Sequence[str] = (),
    ) -> None:
        self.lake_root = lake_root
        self.schema = schema
        self.store = store
        self._read = read
        self.login = login

    def __call__(self, name: str, *flags: str, code: int = 0) -> str:
        """Runs a subcommand; returns what it wrote: its errors, if its exit code isn't 0."""
        lake = [] if name in _WITHOUT_LAKE else [f"--lake_root={self.lake_root}"]
        found = cli.main([name, *lake, *self.login, *flags])
        captured = self._read()
        assert found == code, captured.err
        return captured.out if code == 0 else captured.err


@pytest.fixture(scope="session")
def packaged() -> Mapping[str, bytes]:
    """Objects of a lake of 300 events, by key; its making takes a second."""
    return packaged_objects()


def packaged_command(
    lake_root: str,
    redshift: Redshift,
    s3: S3,
    environment: pytest.MonkeyPatch,
    read: Callable[[], Any] = lambda: SimpleNamespace(out="", err=""),
) -> Command:
    """The command on a lake and a schema that is named like it, on this machine's servers."""
    schema = lake_root.rpartition("/")[2].replace("-", "_")
    given = {**s3.environ(), **login_environ(redshift), "REDSHIFT_SCHEMA": schema}
    for name, value in given.items():
        environment.setenv(name, value)
    return Command(lake_root, schema, ObjectStore(lake_root, store_settings(s3)), read)


@pytest.fixture
def command(
    warehouse: Warehouse,
    s3: S3,
    lake_root: str,
    packaged: Mapping[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command on a lake and a schema of its own."""
    made = packaged_command(lake_root, warehouse.redshift, s3, monkeypatch, capsys.readouterr)
    for key, body in packaged.items():
        made.store.put(key, body)
    return made


@pytest.fixture(scope="session")
def _loaded_lake(redshift: Redshift, s3: S3, packaged: Mapping[str, bytes]) -> str:
    """The address of a lake whose schema is loaded: that takes seconds."""
    with pytest.MonkeyPatch.context() as environment:
        made = packaged_command(f"s3://{s3.bucket}/loaded", redshift, s3, environment)
        for key, body in packaged.items():
            made.store.put(key, body)
        made("migrate")
        made("load")
    return made.lake_root


@pytest.fixture
def loaded(
    _loaded_lake: str,
    warehouse: Warehouse,
    s3: S3,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command on a lake whose schema is loaded; tests leave both as they found them."""
    return packaged_command(_loaded_lake, warehouse.redshift, s3, monkeypatch, capsys.readouterr)
