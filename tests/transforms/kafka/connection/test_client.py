"""What librdkafka says, in our words."""

import pytest
from confluent_kafka import KafkaError

from transforms.errors import (
    BrokerUnavailableError,
    ConfigurationError,
    PipelineError,
    RefusedError,
)
from transforms.kafka import Broker, BrokerSettings
from transforms.kafka.connection import PASSING, REFUSALS, Trouble, translated

ALL_CODES = sorted(
    {
        code
        for name in dir(KafkaError)
        if isinstance(code := getattr(KafkaError, name), int) and name.strip("_").isupper()
    }
)


class TestErrors:
    def test_there_are_codes_to_look_at(self):
        assert len(ALL_CODES) > 100

    @pytest.mark.parametrize("code", sorted(REFUSALS))
    def test_what_no_waiting_mends_is_refused_with_a_remedy(self, code):
        error = translated(KafkaError(code, "why"), "host:1")
        assert isinstance(error, RefusedError)
        assert str(error) == f"Kafka at host:1 refuses: why. {REFUSALS[code]}"

    @pytest.mark.parametrize("code", [c for c in ALL_CODES if c not in REFUSALS])
    def test_every_other_error_may_pass(self, code):
        error = translated(KafkaError(code, "why"), "host:1")
        assert isinstance(error, BrokerUnavailableError)
        assert "host:1 does not answer" in str(error)

    def test_a_certificate_that_is_refused_is_a_refusal_whatever_its_code(self):
        told = KafkaError(KafkaError._TRANSPORT, "SSL routines::certificate verify failed")
        assert isinstance(translated(told, "host:1"), RefusedError)

    def test_a_listener_that_ends_the_handshake_may_be_one_without_tls(self):
        told = KafkaError(KafkaError._TRANSPORT, "closed by peer (in state SSL_HANDSHAKE)")
        error = translated(told, "host:1")
        assert isinstance(error, BrokerUnavailableError)
        assert "PLAINTEXT" in str(error)

    def test_a_refusal_is_told_even_if_the_connection_is_lost_after_it(self):
        met = Trouble()
        lost, refused = KafkaError(KafkaError._TRANSPORT), KafkaError(KafkaError._SSL)
        for error in (lost, refused, lost, KafkaError(KafkaError._ALL_BROKERS_DOWN)):
            met(error)
        assert (met.last.code(), met.all_down) == (KafkaError._SSL, True)
        met.forget()
        met(lost)
        assert (met.last.code(), met.all_down) == (KafkaError._TRANSPORT, False)

    def test_a_fatal_error_is_neither(self):
        error = translated(KafkaError(KafkaError._FATAL, "why", fatal=True), "host:1")
        assert type(error) is PipelineError

    def test_no_code_is_both_refused_and_waited_for(self):
        assert not set(REFUSALS) & PASSING


class TestSettings:
    def test_a_setting_that_the_client_refuses_is_named(self):
        settings = BrokerSettings(bootstrap_servers="127.0.0.1:1", config={"no.such": "x"})
        with pytest.raises(ConfigurationError, match=r"no\.such"):
            Broker(settings)

    def test_a_secret_that_it_can_not_use_is_not_quoted(self, monkeypatch):
        monkeypatch.setenv("TEST_SECRET", "hunter2")
        settings = BrokerSettings(
            bootstrap_servers="127.0.0.1:1", config={"security.protocol": "env:TEST_SECRET"}
        )
        with pytest.raises(ConfigurationError) as caught:
            Broker(settings)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
