import pytest

from runners.errors import LocalServiceError
from runners.local import Kafka, KafkaSettings
from runners.local._kafka import _complaint, _new_cluster_id
from runners.local._state import Entry, State


def kafka(folder, **settings):
    state = State(folder)
    ports = {"PLAINTEXT": 1, "CONTROLLER": 2, "TLS": 3, "SASL_SSL": 4, "SASL_PLAINTEXT": 5}
    state.put("kafka", Entry(ports=ports))
    return Kafka(state, KafkaSettings(**settings))


class TestSettings:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"listeners": ("SSL",)}, "field listeners"),
            ({"listeners": ("SASL_SSL",)}, "field users must name"),
            ({"users": {"a": 'quote"'}}, "field users must have no quotes"),
            ({"heap_mb": 64}, "field heap_mb"),
        ],
    )
    def test_what_cannot_work_is_refused(self, fields, message):
        with pytest.raises(ValueError, match=message):
            KafkaSettings(**fields)

    def test_passwords_are_not_shown(self):
        assert "secret" not in repr(KafkaSettings(users={"alice": "secret"}))


class TestProperties:
    def test_every_listener_is_on_the_loopback_address(self, tmp_path):
        broker = kafka(tmp_path, listeners=("TLS", "SASL_SSL"), users={"a": "b"})
        assert broker._properties()["listeners"] == (
            "PLAINTEXT://127.0.0.1:1,TLS://127.0.0.1:3,SASL_SSL://127.0.0.1:4,"
            "CONTROLLER://127.0.0.1:2"
        )
        assert broker.address("SASL_SSL") == "127.0.0.1:4"

    def test_settings_of_the_caller_win(self, tmp_path):
        broker = kafka(tmp_path, properties={"auto.create.topics.enable": "true"})
        assert broker._properties()["auto.create.topics.enable"] == "true"

    def test_certificates_are_made_only_for_a_listener_that_shows_them(self, tmp_path):
        plain = kafka(tmp_path, listeners=("SASL_PLAINTEXT",), users={"a": "b"})
        assert not any(name.startswith("ssl") for name in plain._properties())
        assert not (tmp_path / "kafka" / "tls").exists()


def test_an_address_is_not_known_before_the_start(tmp_path):
    with pytest.raises(LocalServiceError, match="start it first"):
        _ = Kafka(State(tmp_path), KafkaSettings()).bootstrap_servers


def test_cluster_ids_are_22_characters_and_no_option():
    ids = {_new_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(text) == 22 and not text.startswith("-") for text in ids)


def test_a_stack_trace_is_cut_down_to_its_complaint():
    assert _complaint("Exception: bad port\n\tat a.B\n\tat c.D\n") == "Exception: bad port"
    assert _complaint("") == "no output"
