"""Reading one partition: where it ends, what is sought, and what is raised."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from transforms.errors import BrokerUnavailableError, RefusedError
from transforms.kafka import BrokerSettings, client
from transforms.kafka.client import PartitionConsumer
from transforms.kafka.connection import PASSING


def message(offset, value=b"v", **more):
    given = {"key": b"k", "headers": None, "timestamp": (1, 1_000 + offset), **more}
    return Message(topic="t", partition=0, offset=offset, value=value, **given)


def fault(code, offset=-1, **flags):
    return Message(topic="t", partition=0, offset=offset, error=KafkaError(code, "why", **flags))


@dataclass
class FakeConsumer:
    """Gives out what it was loaded with, up to what is asked for at once."""

    queue: list[Message]
    assigned: list[int]

    def consume(self, most: int, _timeout: float) -> list[Message]:
        batch, self.queue = self.queue[:most], self.queue[most:]
        return batch

    def assign(self, partitions) -> None:
        self.assigned.append(partitions[0].offset)

    def list_topics(self, _topic, timeout) -> None:
        pass

    def commit(self, offsets, asynchronous) -> None:
        raise KafkaException(KafkaError(KafkaError._STATE, "no group"))


@pytest.fixture
def consumer(monkeypatch):
    def make(queue: Sequence[Message], patience_s=0.0):
        fake = FakeConsumer(list(queue), [])
        monkeypatch.setattr("transforms.kafka.connection.client.Consumer", lambda _config: fake)
        settings = BrokerSettings(bootstrap_servers="host:1", patience_s=patience_s)
        return PartitionConsumer(settings), fake

    return make


def eof(offset):
    return fault(KafkaError._PARTITION_EOF, offset)


def read(made, start=0, wanted=10, messages=100, size=1 << 30):
    fetched = made.fetch("t", 0, start, wanted, messages, size)
    return fetched.messages.column("offset").to_pylist(), fetched.end


class TestFetch:
    def test_it_ends_at_the_wanted_end(self, consumer):
        made, _ = consumer(message(o) for o in range(20))
        assert read(made) == (list(range(10)), 10)

    def test_holes_at_the_end_are_known_from_the_end_of_the_log(self, consumer):
        made, _ = consumer([message(3), message(6), eof(10)])
        assert read(made) == ([3, 6], 10)

    def test_a_message_beyond_the_wanted_end_proves_that_all_before_is_read(self, consumer):
        made, _ = consumer([message(3), message(12)])
        assert read(made) == ([3], 10)

    def test_after_a_message_was_dropped_the_next_fetch_seeks(self, consumer):
        made, fake = consumer([message(3), message(12)])
        read(made)
        fake.queue = [message(12)]
        assert read(made, 10, 13) == ([12], 13)
        assert fake.assigned == [0, 10]

    def test_an_end_of_the_log_before_the_wanted_end_is_waited_beyond(self, consumer):
        made, _ = consumer([message(3), eof(4), message(9)], patience_s=5.0)
        assert read(made) == ([3, 9], 10)

    def test_it_never_gives_more_messages_than_asked_for(self, consumer):
        made, fake = consumer(message(o) for o in range(10))
        assert read(made, messages=4) == ([0, 1, 2, 3], 4)
        assert read(made, 4, messages=4) == ([4, 5, 6, 7], 8)
        assert fake.assigned == [0]

    def test_enough_bytes_end_it(self, consumer, monkeypatch):
        monkeypatch.setattr(client, "BATCH_MESSAGES", 2)
        made, _ = consumer(message(o, b"x" * 1000) for o in range(10))
        assert read(made, size=2_500) == ([0, 1, 2, 3], 4)

    @pytest.mark.parametrize(
        "code", [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE]
    )
    def test_a_deleted_offset_gives_back_what_was_read_and_seeks_next_time(self, consumer, code):
        made, fake = consumer([message(0), fault(code)])
        assert read(made) == ([0], 1)
        fake.queue = [fault(code)]
        assert read(made, 1) == ([], 1)
        assert fake.assigned == [0, 1]

    @pytest.mark.parametrize("code", sorted(PASSING))
    def test_a_fault_that_the_client_mends_is_passed_over(self, consumer, code):
        made, _ = consumer([message(0), fault(code), eof(10)])
        assert read(made) == ([0], 10)

    def test_any_other_fault_is_raised_in_our_words(self, consumer):
        made, _ = consumer([message(0), fault(KafkaError.TOPIC_AUTHORIZATION_FAILED)])
        with pytest.raises(RefusedError, match="Grant Read"):
            read(made)

    def test_silence_beyond_the_patience_is_an_outage(self, consumer):
        made, _ = consumer([])
        with pytest.raises(BrokerUnavailableError, match=r"nothing came from t\[0\] for 0 s"):
            read(made)

    def test_another_partition_is_sought(self, consumer):
        made, fake = consumer([message(0), eof(10)])
        read(made)
        fake.queue = [message(2), eof(10)]
        made.fetch("t", 1, 10, 10, 1, 1)
        made.fetch("u", 0, 2, 10, 1, 1)
        assert fake.assigned == [0, 10, 2]

    def test_progress_that_can_not_be_shown_is_of_no_consequence(self, consumer):
        made, _ = consumer([])
        made.note_progress("t", 0, 7)
