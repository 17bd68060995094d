"""What the client of Kafka is told: no server is needed, so these count among the unit tests."""

import sys
import time
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from transforms.errors import ConfigurationError, SecretError
from transforms.kafka import Broker, BrokerSettings, msk
from transforms.kafka.client import PartitionConsumer
from transforms.kafka.settings import PINNED

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def made(monkeypatch):
    """The settings that clients were made with, by kind; the clients themselves do nothing."""
    seen = {}

    def kind(name):
        def make(config):
            seen[name] = config
            return SimpleNamespace(poll=lambda timeout: config.get("oauth_cb", str)(""))

        return make

    monkeypatch.setattr("transforms.kafka.connection.client.Consumer", kind("consumer"))
    monkeypatch.setattr("transforms.kafka.connection.client.AdminClient", kind("admin"))
    return seen


def settings(**config: str) -> BrokerSettings:
    return BrokerSettings(bootstrap_servers=NOWHERE, config=config)


class TestMemory:
    def test_a_consumer_holds_at_most_32_mb_ahead_of_the_reader(self, made):
        PartitionConsumer(settings())

        # One partition is assigned at a time, so the limit is the consumer's, not a partition's.
        assert made["consumer"]["queued.max.messages.kbytes"] == 32_768
        assert made["consumer"]["fetch.message.max.bytes"] <= 32_768 * 1024

    def test_librdkafka_takes_the_defaults(self):
        PartitionConsumer(settings()).close()

    def test_an_operator_may_set_the_sizes_otherwise(self, made):
        PartitionConsumer(settings(**{"queued.max.messages.kbytes": "1024"}))

        assert made["consumer"]["queued.max.messages.kbytes"] == "1024"


class TestExactness:
    def test_reading_is_committed_only_and_never_jumps(self, made):
        PartitionConsumer(settings())

        assert made["consumer"]["isolation.level"] == "read_committed"
        assert made["consumer"]["auto.offset.reset"] == "error"
        assert made["consumer"]["enable.auto.commit"] is False

    @pytest.mark.parametrize("name", sorted(PINNED))
    def test_what_exactness_hangs_on_cannot_be_changed(self, name):
        with pytest.raises(ConfigurationError, match=f"{name} can't be changed"):
            settings(**{name: "x"})


class TestSecrets:
    def test_references_are_resolved_where_the_client_is_made(self, made, monkeypatch, tmp_path):
        monkeypatch.setenv("KAFKA_USER", "reader")
        (tmp_path / "word").write_text("open sesame\n")

        Broker(
            settings(
                **{"sasl.username": "env:KAFKA_USER", "sasl.password": f"file:{tmp_path}/word"}
            )
        )

        assert made["admin"]["sasl.username"] == "reader"
        assert made["admin"]["sasl.password"] == "open sesame"

    def test_a_reference_to_nothing_names_itself(self, monkeypatch):
        monkeypatch.delenv("KAFKA_WORD", raising=False)

        with pytest.raises(SecretError, match="KAFKA_WORD is not set"):
            Broker(settings(**{"sasl.password": "env:KAFKA_WORD"}))

    def test_a_secret_in_the_wrong_place_is_not_told(self, monkeypatch):
        monkeypatch.setenv("KAFKA_WORD", "open-sesame")

        with pytest.raises(ConfigurationError) as caught:
            Broker(settings(**{"security.protocol": "env:KAFKA_WORD"}))

        assert "security.protocol" in str(caught.value)
        assert "sesame" not in str(caught.value)


class TestWrongSettings:
    @pytest.mark.parametrize("kind", [Broker, PartitionConsumer])
    def test_an_unknown_setting_is_refused_by_name(self, kind):
        with pytest.raises(ConfigurationError, match="no\\.such\\.setting"):
            kind(settings(**{"no.such.setting": "1"}))

    def test_half_of_the_credentials_are_refused(self):
        with pytest.raises(ConfigurationError, match=r"sasl\.password"):
            Broker(settings(**{"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"}))


class TestMskIam:
    CONFIG = {"security.protocol": "SASL_SSL", "sasl.oauthbearer.method": "aws-msk-iam"}  # noqa: RUF012

    @pytest.fixture
    def signer(self, monkeypatch):
        """Stands in for the extra; gives the regions that it was asked for."""
        regions = []

        class Provider:
            @staticmethod
            def generate_auth_token(region):
                regions.append(region)
                return "token", int(time.time() * 1000) + 900_000

        module = SimpleNamespace(MSKAuthTokenProvider=Provider)
        monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", module)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        return regions

    @pytest.mark.parametrize(("kind", "name"), [(Broker, "admin"), (PartitionConsumer, "consumer")])
    def test_the_token_comes_from_a_callback(self, made, signer, kind, name):
        kind(settings(**self.CONFIG))

        assert made[name]["sasl.mechanisms"] == "OAUTHBEARER"
        assert made[name]["security.protocol"] == "SASL_SSL"
        assert "sasl.oauthbearer.method" not in made[name]
        assert made[name]["oauth_cb"]("")[0] == "token"
        assert set(signer) == {"eu-central-1"}

    @pytest.mark.parametrize("kind", [AdminClient, Consumer])
    def test_librdkafka_asks_it_for_a_token(self, signer, kind):
        config = {
            "bootstrap.servers": NOWHERE,
            "group.id": "test",
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "OAUTHBEARER",
            "oauth_cb": msk.token,
            "log_level": 0,
        }
        if kind is AdminClient:
            del config["group.id"]

        kind(config).poll(0)

        assert signer

    def test_the_token_ends_in_seconds_since_1970(self, signer):
        text, ends = msk.token()

        assert text == "token"
        assert time.time() < ends < time.time() + 1_000

    def test_without_the_extra_the_remedy_is_told(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)

        with pytest.raises(ConfigurationError, match=r"pip install 'pharmabeam\[msk\]'"):
            Broker(settings(**self.CONFIG))

    def test_without_a_region_the_remedy_is_told(self, signer, monkeypatch):
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

        with pytest.raises(ConfigurationError, match="Set AWS_REGION"):
            Broker(settings(**self.CONFIG))

    def test_without_credentials_no_text_of_aws_is_told(self, signer, monkeypatch):
        def refuse(region):
            raise ValueError("account 123456789012")

        provider = sys.modules["aws_msk_iam_sasl_signer"].MSKAuthTokenProvider
        monkeypatch.setattr(provider, "generate_auth_token", refuse)

        with pytest.raises(ConfigurationError) as caught:
            Broker(settings(**self.CONFIG))

        assert "no token for Amazon MSK (ValueError)" in str(caught.value)
        assert "123456789012" not in str(caught.value)
