"""Messages are published or put off, and in a stream an outage ends nothing."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from tests.fakes.runner import FakeTracker
from transforms.errors import BrokerUnavailableError, ConfigurationError, TopicMissingError
from transforms.kafka import BrokerSettings
from transforms.kafka.publish import PublishConfig, PublishToKafka, sink
from transforms.kafka.publish.client import KafkaPublisher, Undelivered
from transforms.kafka.publish.sink import _SendAgainFn, _SendFn

BROKER = BrokerSettings(bootstrap_servers="h:1", patience_s=7.0)
STREAM = PublishConfig(broker=BROKER, topic="kpi", call_s=2.0)
DRAIN = PublishConfig(broker=BROKER, topic="kpi")
AWAY = BrokerUnavailableError("it is away", "Look at it")
MESSAGES = [(b"k%d" % n, b"v%d" % n) for n in range(3)]


class FakePublisher:
    """Delivers but for as many flushes as are to fail.

    Attributes:
        failures: What the next flushes meet; all of their messages, or those given, are left.
        delivered: What arrived.
        flushes: How often it was waited for.
    """

    def __init__(self):
        self.failures = []
        self.delivered = []
        self.flushes = 0
        self._sent = []

    def send(self, message):
        self._sent.append(message)

    def flush(self):
        self.flushes += 1
        sent, self._sent = self._sent, []
        if not self.failures:
            self.delivered += sent
            return None
        left = self.failures.pop(0)
        kept = sent if isinstance(left, Exception) else [m for m in sent if m in left]
        self.delivered += [m for m in sent if m not in kept]
        return Undelivered(tuple(kept), left if isinstance(left, Exception) else AWAY)


@pytest.fixture
def publisher(monkeypatch):
    made = FakePublisher()
    monkeypatch.setattr(sink, "KafkaPublisher", lambda *_: made)
    return made


@pytest.fixture
def clock(monkeypatch):
    times = {"now": 100.0}
    monkeypatch.setattr(sink.time, "monotonic", lambda: times["now"])
    return times


def send(fn, messages):
    """One bundle; returns what is put off."""
    fn.start_bundle()
    for message in messages:
        assert list(fn.process(message)) == []
    return [each.value for each in fn.finish_bundle()]


def made(kind, config):
    fn = kind(config)
    fn.setup()
    return fn


class TestSend:
    def test_a_bundle_is_waited_for_once(self, publisher):
        assert send(made(_SendFn, STREAM), MESSAGES) == []
        assert (publisher.delivered, publisher.flushes) == (MESSAGES, 1)

    def test_what_is_not_delivered_is_put_off(self, publisher, caplog):
        publisher.failures = [MESSAGES[1:2]]
        assert send(made(_SendFn, STREAM), MESSAGES) == [MESSAGES[1:2]]
        assert publisher.delivered == [MESSAGES[0], MESSAGES[2]]
        assert "publishing to kpi: it is away" in caplog.text

    def test_while_an_outage_lasts_bundles_do_not_wait_for_the_cluster(self, publisher, clock):
        fn = made(_SendFn, STREAM)
        publisher.failures = [AWAY]
        send(fn, MESSAGES[:1])
        assert send(fn, MESSAGES[1:]) == [MESSAGES[1:]]
        assert publisher.flushes == 1
        clock["now"] += 2.0
        assert send(fn, MESSAGES[1:]) == []
        assert publisher.delivered == MESSAGES[1:]

    def test_many_are_put_off_in_parts(self, publisher, monkeypatch):
        monkeypatch.setattr(sink, "_TOGETHER", 2)
        publisher.failures = [AWAY]
        assert send(made(_SendFn, STREAM), MESSAGES) == [MESSAGES[:2], MESSAGES[2:]]

    def test_an_empty_bundle_asks_nobody(self, publisher):
        assert send(made(_SendFn, STREAM), []) == []
        assert publisher.flushes == 0

    def test_in_a_drain_a_failure_is_raised(self, publisher):
        publisher.failures = [AWAY]
        with pytest.raises(BrokerUnavailableError, match="it is away"):
            send(made(_SendFn, DRAIN), MESSAGES)


class TestSendAgain:
    def call(self, fn):
        tracker = FakeTracker()
        assert fn.process(MESSAGES, tracker) is None
        return tracker.did

    def test_what_is_delivered_is_claimed(self, publisher):
        assert self.call(made(_SendAgainFn, STREAM)) == "claimed"
        assert publisher.delivered == MESSAGES

    def test_what_is_not_is_kept_whole_and_tried_again_later(self, publisher, clock):
        fn = made(_SendAgainFn, STREAM)
        publisher.failures = [MESSAGES[:1], MESSAGES[:1]]
        assert [self.call(fn), self.call(fn)] == ["deferred 5 s", "deferred 5 s"]
        assert publisher.flushes == 1
        clock["now"] += 2.0
        assert self.call(fn) == "deferred 5 s"
        clock["now"] += 3.0
        assert self.call(fn) == "claimed"
        assert publisher.flushes == 3

    def test_a_refusal_is_an_alarm_and_tried_again_slowly(self, publisher, clock, caplog):
        fn = made(_SendAgainFn, STREAM)
        publisher.failures = [TopicMissingError("the broker has no topic kpi", "Create it")]
        self.call(fn)
        assert "ALARM: publishing again to kpi: the broker has no topic kpi" in caplog.text
        clock["now"] += 59.0
        assert self.call(fn) == "deferred 5 s"
        clock["now"] += 2.0
        assert self.call(fn) == "claimed"


class TestSettings:
    def test_a_stream_waits_shortly_and_a_drain_for_the_clusters_patience(self, monkeypatch):
        monkeypatch.setattr(sink, "KafkaPublisher", lambda *given: given)
        assert STREAM.publisher() == (BROKER, "kpi", 2.0)
        assert DRAIN.publisher() == (BROKER, "kpi", 7.0)

    @pytest.mark.parametrize("name", ["acks", "enable.idempotence"])
    def test_what_safety_hangs_on_can_not_be_changed(self, name):
        broker = BrokerSettings(bootstrap_servers="h:1", config={name: "0"})
        with pytest.raises(ConfigurationError, match=f"{name} can't be changed"):
            PublishConfig(broker=broker, topic="kpi")

    def test_a_topic_without_a_name_is_refused(self):
        with pytest.raises(ConfigurationError, match="topic must be"):
            PublishConfig(broker=BROKER, topic="")

    def test_a_call_of_no_time_is_refused(self):
        with pytest.raises(ConfigurationError, match="call_s must be above 0, got 0"):
            PublishConfig(broker=BROKER, topic="kpi", call_s=0)


class TestClient:
    """Nobody listens at port 1."""

    def test_an_outage_ends_within_the_time_and_names_the_cluster(self):
        client = KafkaPublisher(BrokerSettings(bootstrap_servers="127.0.0.1:1"), "kpi", 0.5)
        for message in MESSAGES:
            client.send(message)
        undelivered = client.flush()
        assert sorted(undelivered.messages) == MESSAGES
        assert isinstance(undelivered.reason, BrokerUnavailableError)
        assert "127.0.0.1:1" in str(undelivered.reason)

    def test_what_was_given_up_is_told_once(self):
        client = KafkaPublisher(BrokerSettings(bootstrap_servers="127.0.0.1:1"), "kpi", 0.5)
        client.send(MESSAGES[0])
        assert client.flush() is not None
        assert client.flush() is None

    def test_a_setting_that_there_is_not_is_refused(self):
        broker = BrokerSettings(bootstrap_servers="h:1", config={"no.such": "1"})
        with pytest.raises(ConfigurationError, match=r"no\.such"):
            KafkaPublisher(broker, "kpi", 0.5)


#: The DoFn reaches the runner as a copy.
FAKE = FakePublisher()


def test_the_fn_api_runner_puts_off_and_tries_again(monkeypatch):
    monkeypatch.setattr(sink, "KafkaPublisher", lambda *_: FAKE)
    monkeypatch.setattr("transforms.lake.setbacks.OUTAGE_PAUSES_S", (0.0, 0.0))
    FAKE.failures = [AWAY, AWAY]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        _ = pipeline | beam.Create(MESSAGES) | PublishToKafka(STREAM)
    assert sorted(FAKE.delivered) == MESSAGES
    assert FAKE.failures == []
