"""What an outage of the registry and an unknown id mean, by a clock of the test's own."""

import pytest

from schemas.errors import RegistryUnavailableError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError
from transforms.avro.registry import GRACE_MS, MAX_MISSES, WriterSchemas
from transforms.errors import RefusedError, RetryableError

SCHEMA = AvroSchema.parse('{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}')
NOW_S = 1_800_000_000.0
NOW_MS = int(NOW_S * 1000)


class Registry:
    """Knows ids from a moment on; is down, or refuses, as told."""

    def __init__(self, clock):
        self.clock = clock
        self.known_from = {}
        self.down_until = 0.0
        self.refuses = False
        self.asked = []

    def schema_by_id(self, schema_id):
        self.asked.append(self.clock.now - NOW_S)
        if self.refuses:
            raise RegistryRefusedError("the registry", "wrong password", "check it")
        if self.clock.now < self.down_until:
            raise RegistryUnavailableError("the registry", "no route")
        if self.clock.now < self.known_from.get(schema_id, float("inf")):
            raise UnknownSchemaError(schema_id)
        return SCHEMA


class Clock:
    def __init__(self):
        self.now = NOW_S

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(clock):
    return Registry(clock)


@pytest.fixture
def schemas(registry, clock):
    return WriterSchemas(registry, 120.0, now=lambda: clock.now, sleep=clock.sleep)


def test_a_known_id_is_found_without_waiting(schemas, registry, clock):
    registry.known_from["1"] = 0
    assert schemas.find("1", NOW_MS) == SCHEMA
    assert clock.now == NOW_S


def test_an_id_that_a_replica_learns_in_time_is_found(schemas, registry, clock):
    registry.known_from["1"] = NOW_S + 30
    assert schemas.find("1", NOW_MS) == SCHEMA
    assert 30 <= clock.now - NOW_S < 32


def test_an_unknown_id_of_an_old_message_is_not_waited_for(schemas, registry):
    assert schemas.find("1", NOW_MS - GRACE_MS) is None
    assert registry.asked == [0.0]


def test_the_grace_counts_from_the_messages_broker_time(schemas, clock):
    assert schemas.find("1", NOW_MS - 40_000) is None
    assert 20 <= clock.now - NOW_S < 22


def test_a_message_from_the_future_is_waited_for_no_longer_than_one_of_now(schemas, clock):
    # A producer's clock may be years ahead: it must not stop the partition.
    assert schemas.find("1", NOW_MS + 10**10) is None
    assert 60 <= clock.now - NOW_S < 62


def test_an_id_found_missing_is_not_asked_for_again(schemas, registry):
    schemas.find("1", NOW_MS - GRACE_MS)
    assert schemas.find("1", NOW_MS - GRACE_MS - 5) is None
    assert len(registry.asked) == 1


def test_a_newer_message_with_that_id_is_asked_for_again(schemas, registry):
    schemas.find("1", NOW_MS - 10 * GRACE_MS)
    registry.known_from["1"] = NOW_S + 1
    assert schemas.find("1", NOW_MS) == SCHEMA


def test_random_ids_do_not_fill_the_memory(schemas):
    for n in range(MAX_MISSES + 10):
        schemas.find(str(n), 0)
    assert len(schemas._missed_ms) <= MAX_MISSES


def test_an_outage_is_waited_out(schemas, registry, clock):
    registry.down_until, registry.known_from["1"] = NOW_S + 60, 0
    assert schemas.find("1", 0) == SCHEMA
    assert 60 <= clock.now - NOW_S < 66
    pauses = [b - a for a, b in zip(registry.asked, registry.asked[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert max(pauses) == 5.0


def test_an_outage_longer_than_the_patience_stops_and_names_the_registry(schemas, registry, clock):
    registry.down_until = float("inf")
    with pytest.raises(RetryableError, match="the registry did not answer for 120 s"):
        schemas.find("1", 0)
    assert 120 <= clock.now - NOW_S < 130


def test_an_outage_is_never_taken_for_an_unknown_id(schemas, registry):
    registry.down_until = NOW_S + 100
    assert schemas.find("1", 0) is None
    assert registry.asked[-1] >= 100


def test_a_refusal_is_passed_on_at_once(schemas, registry):
    registry.refuses = True
    with pytest.raises(RefusedError, match="wrong password"):
        schemas.find("1", NOW_MS)
    assert registry.asked == [0.0]
