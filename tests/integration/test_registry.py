"""Writer schemas from a Confluent-compatible registry, through its outages and its lag."""

import time
from collections.abc import Callable

import pytest

from tests.integration.small import (
    assert_holds_exactly,
    assert_proven,
    confluent,
    logged,
    reader_schema,
    send,
)
from tests.registry.fake import FakeRegistry, running

pytestmark = pytest.mark.integration


@pytest.fixture
def registry():
    with running() as fake:
        fake.add("another-value", '"string"')  # so that ids differ from the packaged registry's
        yield fake


@pytest.fixture
def schema_id(registry) -> int:
    return registry.add("topic-value", reader_schema().json)


@pytest.fixture
def lake(registry, topic, make_lake):
    return make_lake(topic, registry={"url": registry.url, "patience_s": 60})


@pytest.fixture
def topic(topic_factory) -> str:
    return topic_factory()


def test_the_registry_knows_the_writer_schemas(kafka, lake, topic, schema_id):
    send(kafka, topic, confluent(range(10), schema_id))

    assert lake.drain().code == 0

    assert_holds_exactly(lake, topic, logged(kafka, topic), {schema_id: reader_schema()})
    assert_proven(lake)


def test_a_registry_that_is_down_at_the_start_is_a_refusal(kafka, lake, topic, registry, schema_id):
    send(kafka, topic, confluent(range(10), schema_id))
    registry.faults.down = True

    refused = lake.drain()

    assert refused.code == 2, refused
    assert len(refused.err.splitlines()) == 1, refused
    assert f"{registry.url} does not answer" in refused.err
    assert not list(lake.store.walk(""))


def test_credentials_by_reference_open_a_registry(kafka, topic, registry, make_lake, schema_id):
    registry.credentials = "reader:open-sesame"
    settings = {"basic.auth.user.info": "env:REGISTRY_USER"}
    registry_section = {"url": registry.url, "settings": settings}
    send(kafka, topic, confluent(range(3), schema_id))

    environ = {"REGISTRY_USER": "reader:mistyped-word"}
    refused = make_lake(topic, registry=registry_section, environ=environ).drain()
    environ = {"REGISTRY_USER": registry.credentials}
    lake = make_lake(topic, registry=registry_section, environ=environ)
    ended = lake.drain()

    assert refused.code == 2, refused
    assert len(refused.err.splitlines()) == 1, refused
    assert "set basic.auth.user.info" in refused.err
    assert "mistyped" not in refused.err
    assert ended.code == 0, ended
    assert_holds_exactly(lake, topic, logged(kafka, topic), {schema_id: reader_schema()})


@pytest.mark.parametrize("fault", [{"down": True}, {"status": 503}], ids=["down", "503"])
def test_a_registry_that_is_down_in_mid_run_is_waited_for(
    kafka, lake, topic, registry, schema_id, fault
):
    send(kafka, topic, confluent(range(10), schema_id))

    run = lake.start(crash="read.before_segment:1:stop")
    run.wait_frozen()
    for name, value in fault.items():
        setattr(registry.faults, name, value)
    run.wake()
    _wait_until(lambda: _asked(registry, schema_id) >= 2)
    registry.faults.down, registry.faults.status = False, 0
    ended = run.wait()

    assert ended.code == 0, ended
    assert_holds_exactly(lake, topic, logged(kafka, topic), {schema_id: reader_schema()})


def test_a_registry_that_stays_down_stops_the_partition_and_loses_nothing(
    kafka, registry, topic, make_lake, schema_id
):
    lake = make_lake(topic, registry={"url": registry.url, "patience_s": 0.1})
    send(kafka, topic, confluent(range(10), schema_id))

    run = lake.start(crash="read.before_segment:1:stop")
    run.wait_frozen()
    registry.faults.down = True
    run.wake()
    ended = run.wait()
    registry.faults.down = False

    assert ended.code == 1, ended
    assert len(ended.errors) == 1, ended
    assert f"{topic}[0] stopped at offset 0" in ended.err
    assert f"{registry.url} did not answer" in ended.err
    assert lake.drain().code == 0
    assert_holds_exactly(lake, topic, logged(kafka, topic), {schema_id: reader_schema()})


def test_a_young_unknown_id_is_waited_for(kafka, lake, topic, registry, schema_id):
    registry.faults.hidden_ids.add(schema_id)
    send(kafka, topic, confluent(range(10), schema_id))

    run = lake.start()
    _wait_until(lambda: _asked(registry, schema_id) >= 2)
    registry.faults.hidden_ids.clear()
    ended = run.wait()

    assert ended.code == 0, ended
    assert_holds_exactly(lake, topic, logged(kafka, topic), {schema_id: reader_schema()})


def test_an_old_unknown_id_is_a_dead_letter_at_once(kafka, lake, topic, registry, schema_id):
    registry.faults.hidden_ids.add(schema_id)
    another = registry.add("another-value", reader_schema().json | {"doc": "another"})
    old = int(time.time() * 1000) - 120_000
    send(kafka, topic, confluent(range(4), schema_id), timestamp=old)
    send(kafka, topic, confluent(range(4, 9), another), timestamp=old)

    assert lake.drain().code == 0

    assert _asked(registry, schema_id) == 1
    assert_holds_exactly(lake, topic, logged(kafka, topic), {another: reader_schema()})
    assert_proven(lake)


def _asked(registry: FakeRegistry, schema_id: int) -> int:
    return registry.requests.count(f"GET /schemas/ids/{schema_id}")


def _wait_until(holds: Callable[[], bool], timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)
