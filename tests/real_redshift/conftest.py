"""The suite's cluster; without one it is a usage error where nothing else was asked for."""

import itertools
import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.loads import Loads
from tests.packaged_lake import Command, packaged_objects
from tests.real_redshift.cluster import Cluster, cluster, missing
from transforms.lake import ObjectStore
from transforms.redshift import RedshiftSettings, Session, connect
from transforms.redshift.sql import quoted

_NUMBERS = itertools.count(1)


@pytest.hookimpl(trylast=True)  # After tests were chosen by marker.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.get_closest_marker("real_redshift")]
    lacking = missing(os.environ)
    if not mine or not lacking:
        return
    if len(mine) == len(items):
        raise pytest.UsageError("a real Redshift is needed\n" + "\n".join(lacking))
    for item in mine:
        item.add_marker(pytest.mark.skip(reason="; ".join(lacking)))


@pytest.fixture(scope="session")
def real() -> Iterator[Cluster]:
    """The cluster; the suite's schemas, roles and objects are gone afterwards."""
    found = cluster(os.environ, f"pharmabeam_test_{uuid.uuid4().hex[:8]}")
    yield found
    with closing(connect(found.settings)) as session:
        _drop(session, found.settings.schema)
    store = ObjectStore(found.lake)
    if keys := [item.key for item in store.walk("")]:
        store.delete(keys)


def _drop(session: Session, name: str) -> None:
    """Drops all schemas, users and roles whose names begin so."""
    like = [f"{name}%"]
    schemas = session.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", like)
    for (schema,) in schemas:
        session.execute(f"DROP SCHEMA {quoted(str(schema))} CASCADE")
    for (role,) in session.query("SELECT role_name FROM svv_roles WHERE role_name LIKE %s", like):
        session.execute(f"DROP ROLE {quoted(str(role))}")


@pytest.fixture(scope="session")
def session(real: Cluster) -> Iterator[Session]:
    """A session of the suite's own."""
    with closing(connect(real.settings)) as found:
        yield found


@pytest.fixture(scope="session")
def lake(real: Cluster) -> ObjectStore:
    """A lake of the packaged job on the real S3."""
    store = ObjectStore(f"{real.lake}/packaged")
    for key, body in packaged_objects().items():
        store.put(key, body)
    return store


@pytest.fixture
def command(real: Cluster, lake: ObjectStore, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command ``warehouse`` on the cluster."""
    return Command(lake.root, real.settings.schema, lake, capsys.readouterr, real.flags)


class _Eyes:
    """Looks into the cluster for `tests.loads.Loads`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, sql: str) -> list[list[Any]]:
        return [list(row) for row in self._session.query(sql)]

    def run(self, sql: str) -> None:
        self._session.execute(sql)


class RealLoads(Loads):
    """A small lake on the real S3, and a schema of the cluster that it is loaded into."""

    login: RedshiftSettings

    def settings(self, **changes: Any) -> RedshiftSettings:
        return replace(self.login, schema=self.schema, **changes)


@pytest.fixture
def loads(real: Cluster, session: Session) -> Loads:
    """A lake with one partition and a migrated schema of its own."""
    number = next(_NUMBERS)
    # As the AWS environment says.
    s3 = SimpleNamespace(endpoint_url=None, region=None, access_key=None, secret_key=None)
    found = RealLoads(
        _Eyes(session), s3, f"{real.lake}/small-{number}", f"{real.settings.schema}_{number}"
    )
    found.login = real.settings
    return found.begin()
