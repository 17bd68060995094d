"""TLS and SASL against a broker that asks for them; secrets are references."""

import pytest

from runners.local import KafkaSettings, services
from tests.integration.small import assert_holds_exactly, confluent, keys_of, logged, send
from tests.servers import make_topic

pytestmark = pytest.mark.integration

USER, WORD = "reader", "open-sesame-4711"
TOPIC = "secured"


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A broker of its own with TLS and SASL listeners; the topic is there."""
    settings = KafkaSettings(listeners=("TLS", "SASL_SSL"), users={USER: WORD}, heap_mb=256)
    folder = tmp_path_factory.mktemp("secured")
    with services(folder, kafka=settings, start=("kafka",)) as handles:
        make_topic(handles.kafka, TOPIC, 1, {})
        send(handles.kafka, TOPIC, confluent(range(10)))
        yield handles.kafka


@pytest.fixture
def drain(secured, make_lake, tmp_path):
    """Drains over a listener: ``drain("TLS", ca=..., word=..., **settings) -> lake, ended``."""
    (tmp_path / "word").write_text(WORD + "\n")

    def run(listener, *, environ=None, **config):
        kafka = {"patience_s": 5, "config": {"ssl.ca.location": _ca(secured), **config}}
        lake = make_lake(TOPIC, kafka=kafka, environ={"KAFKA_WORD": WORD, **(environ or {})})
        return lake, lake.drain(f"--kafka_bootstrap_servers={secured.address(listener)}")

    return run


def _ca(secured) -> str:
    return str(secured.certificates.authority)


def sasl(mechanism: str, word: str = "env:KAFKA_WORD") -> dict[str, str]:
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.username": USER,
        "sasl.password": word,
    }


def test_a_broker_is_read_over_tls(secured, drain):
    lake, ended = drain("TLS", **{"security.protocol": "SSL"})

    assert ended.code == 0, ended
    assert_holds_exactly(lake, TOPIC, logged(secured, TOPIC))


@pytest.mark.parametrize(
    ("mechanism", "where"), [("PLAIN", "env"), ("SCRAM-SHA-256", "file"), ("SCRAM-SHA-512", "env")]
)
def test_a_password_by_reference_signs_in(secured, drain, tmp_path, mechanism, where):
    word = "env:KAFKA_WORD" if where == "env" else f"file:{tmp_path / 'word'}"

    lake, ended = drain("SASL_SSL", **sasl(mechanism, word))

    assert ended.code == 0, ended
    assert WORD not in ended.err
    assert_holds_exactly(lake, TOPIC, logged(secured, TOPIC))
    assert not [key for key in keys_of(lake) if WORD.encode() in lake.store.get(key)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused_without_telling_it(drain, mechanism):
    lake, ended = drain("SASL_SSL", environ={"KAFKA_WORD": "mistyped-word"}, **sasl(mechanism))

    _assert_refused(lake, ended, "Check the user name and password")
    assert "mistyped-word" not in ended.err


def test_a_certificate_of_another_authority_is_refused(secured, drain):
    wrong = {"ssl.ca.location": str(secured.certificates.wrong_authority)}

    lake, ended = drain("TLS", **{"security.protocol": "SSL", **wrong})

    _assert_refused(lake, ended, "Check ssl.ca.location and the broker's certificate")


def test_tls_on_a_plain_listener_is_refused(drain):
    lake, ended = drain("PLAINTEXT", **{"security.protocol": "SSL"})

    _assert_refused(lake, ended, "PLAINTEXT")


def test_a_plain_connection_to_a_tls_listener_is_refused(drain):
    lake, ended = drain("TLS", **{"security.protocol": "PLAINTEXT"})

    _assert_refused(lake, ended, "Check --kafka_bootstrap_servers")


def _assert_refused(lake, ended, told: str) -> None:
    assert ended.code == 2, ended
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended
    assert lines[0].startswith("error: ")
    assert told in lines[0]
    assert not list(lake.store.walk(""))
