"""librdkafka's messages and errors, sorted by partition."""

from dataclasses import dataclass, field

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from transforms.errors import BrokerUnavailableError, RefusedError
from transforms.kafka import BrokerSettings
from transforms.kafka.connection import PASSING
from transforms.kafka.settings import CONSUMER_DEFAULTS
from transforms.kafka.stream.client import FETCH_WAIT_MS, StreamConsumer


def message(partition, offset, topic="t"):
    return Message(
        topic=topic, partition=partition, offset=offset, value=b"v", key=b"k", timestamp=(1, offset)
    )


def fault(code, partition=0, offset=-1, topic="t"):
    return Message(topic=topic, partition=partition, offset=offset, error=KafkaError(code, "why"))


@dataclass
class FakeConsumer:
    queue: list[Message] = field(default_factory=list)
    assigned: list[tuple[str, int, int]] = field(default_factory=list)
    unassigned: list[tuple[str, int]] = field(default_factory=list)
    config: dict[str, object] = field(default_factory=dict)
    closed: bool = False

    def consume(self, most, _timeout):
        batch, self.queue = self.queue[:most], self.queue[most:]
        return batch

    def incremental_assign(self, partitions):
        self.assigned += [(p.topic, p.partition, p.offset) for p in partitions]

    def incremental_unassign(self, partitions):
        self.unassigned += [(p.topic, p.partition) for p in partitions]

    def commit(self, offsets, asynchronous):
        raise KafkaException(KafkaError(KafkaError._STATE, "no group"))

    def close(self):
        self.closed = True


@pytest.fixture
def fake(monkeypatch):
    made = FakeConsumer()
    monkeypatch.setattr(
        "transforms.kafka.connection.client.Consumer",
        lambda config: made.config.update(config) or made,
    )
    return made


@pytest.fixture
def consumer(fake):
    return StreamConsumer(BrokerSettings(bootstrap_servers="host:1"))


def shown(arrivals):
    return [(a.topic, a.partition, a.table.column("offset").to_pylist()) for a in arrivals]


def test_messages_of_many_partitions_are_sorted_in_order(consumer, fake):
    fake.queue = [message(0, 5), message(0, 6), message(1, 9), message(0, 8), message(0, 1, "u")]
    assert shown(consumer.poll(100, 0.0)) == [
        ("t", 0, [5, 6]),
        ("t", 1, [9]),
        ("t", 0, [8]),
        ("u", 0, [1]),
    ]


def test_nothing_gives_nothing(consumer):
    assert consumer.poll(100, 0.0) == []


def test_the_end_of_a_log_is_told_by_partition(consumer, fake):
    fake.queue = [message(0, 5), fault(KafkaError._PARTITION_EOF, 1, 12), message(0, 6)]
    first, second = consumer.poll(100, 0.0)
    assert shown([first]) == [("t", 0, [5, 6])]
    assert (second.partition, second.end, second.lost) == (1, 12, False)


@pytest.mark.parametrize("code", [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE])
def test_an_offset_that_is_gone_is_told_by_partition(consumer, fake, code):
    fake.queue = [fault(code, 3)]
    (arrival,) = consumer.poll(100, 0.0)
    assert (arrival.partition, arrival.lost, arrival.error) == (3, True, None)


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_the_client_mends_is_passed_over(consumer, fake, code):
    fake.queue = [fault(code, 3), message(0, 1)]
    assert shown(consumer.poll(100, 0.0)) == [("t", 0, [1])]


def test_any_other_error_is_that_partitions_alone(consumer, fake):
    fake.queue = [message(0, 1), fault(KafkaError.TOPIC_AUTHORIZATION_FAILED, 3)]
    good, bad = consumer.poll(100, 0.0)
    assert shown([good]) == [("t", 0, [1])]
    assert bad.partition == 3
    assert isinstance(bad.error, RefusedError)


class TestConnection:
    def test_a_refusal_is_an_alarm_that_grows_rare_and_stops_nobody(self, consumer, fake, caplog):
        for _ in range(5):
            fake.config["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "why"))
        assert consumer.poll(100, 0.0) == []
        assert len(caplog.records) == 3
        assert "ALARM: Kafka at host:1 refuses" in caplog.text

    def test_an_outage_is_not(self, fake, consumer, caplog):
        fake.queue = [fault(KafkaError._ALL_BROKERS_DOWN, -1, topic=None)]
        fake.config["error_cb"](KafkaError(KafkaError._TRANSPORT, "why"))
        assert consumer.poll(100, 0.0) == []
        assert caplog.records == []


def test_partitions_are_started_and_stopped_one_by_one(consumer, fake):
    consumer.start("t", 3, 17)
    consumer.stop("t", 3)
    assert (fake.assigned, fake.unassigned) == ([("t", 3, 17)], [("t", 3)])


def test_a_partition_that_can_not_be_started_is_told_in_our_words(consumer, fake):
    def refuse(_partitions):
        raise KafkaException(KafkaError(KafkaError._STATE, "why"))

    fake.incremental_assign = refuse
    with pytest.raises(BrokerUnavailableError, match="host:1"):
        consumer.start("t", 3, 17)


def test_idle_logs_are_not_asked_after_all_the_time(fake, consumer):
    assert (
        fake.config["fetch.wait.max.ms"] == FETCH_WAIT_MS > CONSUMER_DEFAULTS["fetch.wait.max.ms"]
    )


def test_progress_that_can_not_be_shown_is_of_no_consequence(consumer):
    consumer.note_progress("t", 0, 7)


def test_closing_leaves_the_cluster(consumer, fake):
    consumer.close()
    assert fake.closed
