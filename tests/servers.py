"""Fixtures: one real Kafka, S3 server, stand-in for Redshift and Flink cluster for the session.

Each is started when first used. They listen on free ports, keep their data in pytest's temporary
folder, and end with the session, even if it is killed. A test that kills, freezes or restarts one
need not clean up: what is down after an integration, faults, warehouse or flink test is brought up
again before the next one.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from confluent_kafka.admin import NewTopic

from runners.local import S3, Flink, Kafka, KafkaSettings, Redshift, Services, services
from tests.launcher import Launcher, launching

_STARTED = pytest.StashKey[Services]()

# Names are unique within a session, and so is the session's data folder.
_NUMBERS = itertools.count(1)

TopicFactory = Callable[..., str]

_ON_SERVERS = {"integration", "faults", "warehouse", "flink"}


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """All handles, with no server started: ``kafka``, ``s3`` and others do that."""
    quick = KafkaSettings(short_lived=True)
    with services(tmp_path_factory.mktemp("servers"), kafka=quick, start=()) as handles:
        request.config.stash[_STARTED] = handles
        yield handles


@pytest.fixture(scope="session")
def kafka(servers: Services) -> Kafka:
    """The session's broker; ``kafka.bootstrap_servers`` is its address."""
    servers.up(["kafka"])
    return servers.kafka


@pytest.fixture(scope="session")
def s3(servers: Services) -> S3:
    """The session's S3 server; ``s3.client()`` is a boto3 client that never retries."""
    servers.up(["s3"])
    return servers.s3


@pytest.fixture(scope="session")
def redshift(servers: Services) -> Redshift:
    """The session's stand-in for Amazon Redshift, beside ``s3``."""
    servers.up(["s3", "redshift"])
    return servers.redshift


@pytest.fixture(scope="session")
def flink_cluster(servers: Services) -> Flink:
    """The session's Flink cluster: JobManager, two TaskManagers and a pool of Python workers."""
    servers.up(["flink"])
    return servers.flink


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Starts the commands; one for all suites, since its imports take seconds."""
    with launching(tmp_path_factory.mktemp("launcher")) as running:
        yield running


@pytest.fixture
def bucket(s3: S3) -> str:
    """A new bucket (0.2 s; most tests only need ``lake_root``)."""
    name = f"bucket-{next(_NUMBERS)}"
    s3.make_bucket(name)
    return name


@pytest.fixture
def lake_root(s3: S3) -> str:
    """A prefix of the common bucket that no other test uses, as ``s3://bucket/prefix``."""
    return f"s3://{s3.bucket}/lake-{next(_NUMBERS)}"


@pytest.fixture
def topic_factory(kafka: Kafka) -> TopicFactory:
    """Makes topics: ``topic_factory(partitions=1, config={}, name=None) -> name``."""

    def make(
        partitions: int = 1, config: Mapping[str, str] | None = None, name: str | None = None
    ) -> str:
        return make_topic(kafka, name or f"topic-{next(_NUMBERS)}", partitions, config or {})

    return make


def make_topic(kafka: Kafka, name: str, partitions: int, config: Mapping[str, str]) -> str:
    """Makes a topic, waits until each partition has a leader, returns its name."""
    admin = kafka.admin()
    wanted = NewTopic(name, partitions, replication_factor=1, config=dict(config))
    admin.create_topics([wanted])[name].result(timeout=30)
    deadline = time.monotonic() + 30
    while True:
        known = admin.list_topics(name, timeout=10).topics[name].partitions
        if len(known) == partitions and all(p.leader >= 0 for p in known.values()):
            return name
        assert time.monotonic() < deadline, f"topic {name} has no leaders"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _servers_are_mended(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    handles = request.config.stash.get(_STARTED, None)
    if handles is None or not _ON_SERVERS & {mark.name for mark in request.node.iter_markers()}:
        return
    for service in handles.all:
        service.thaw()
        if service.was_started() and not service.is_alive():
            handles.up([service.name])
