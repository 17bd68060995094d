import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from runners.errors import LocalServiceError
from runners.local import S3, Kafka, KafkaSettings, S3Settings, services
from runners.local._cli import main
from runners.local._processes import ProcessId, wait_until
from runners.local._services import Services
from runners.local._state import State

pytestmark = pytest.mark.integration


def produce(kafka: Kafka, topic: str, value: bytes) -> int:
    """Returns the offset that the broker gave to the message."""
    offsets: list[int] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    producer.produce(topic, value, on_delivery=lambda _, message: offsets.append(message.offset()))
    producer.flush(30)
    return offsets[0]


def consume(kafka: Kafka, topic: str, offset: int) -> bytes:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "test"})
    try:
        consumer.assign([TopicPartition(topic, 0, offset)])
        message = consumer.poll(30)
        assert message is not None
        return message.value()
    finally:
        consumer.close()


class TestKafka:
    def test_a_killed_broker_comes_back_on_its_port_with_its_data(self, kafka, topic_factory):
        topic, address = topic_factory(), kafka.bootstrap_servers
        offset = produce(kafka, topic, b"kept")
        kafka.kill()
        assert not kafka.is_alive()
        kafka.restart()
        assert kafka.bootstrap_servers == address
        assert consume(kafka, topic, offset) == b"kept"

    def test_a_missing_topic_is_not_made_by_asking_for_it(self, kafka):
        assert (
            kafka.admin().list_topics("no-such-topic", timeout=10).topics["no-such-topic"].error
            is not None
        )
        assert "no-such-topic" not in kafka.admin().list_topics(timeout=10).topics

    def test_a_frozen_broker_is_alive_but_not_ready(self, kafka):
        kafka.freeze()
        assert (kafka.is_alive(), kafka.is_ready()) == (True, False)
        kafka.thaw()
        kafka.wait_ready()


class TestS3:
    def test_a_killed_server_comes_back_on_its_port_with_its_data(self, s3, bucket):
        s3.client().put_object(Bucket=bucket, Key="a", Body=b"kept")
        address = s3.endpoint_url
        s3.kill()
        s3.restart()
        assert s3.endpoint_url == address
        assert s3.client().get_object(Bucket=bucket, Key="a")["Body"].read() == b"kept"

    def test_a_second_create_only_put_is_refused(self, s3, bucket):
        client = s3.client()
        client.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
        with pytest.raises(client.exceptions.ClientError, match="PreconditionFailed"):
            client.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")

    def test_a_missing_bucket_is_an_error_not_made_by_a_put(self, s3):
        client = s3.client()
        with pytest.raises(client.exceptions.NoSuchBucket):
            client.put_object(Bucket="no-such-bucket", Key="a", Body=b"1")

    def test_wrong_credentials_are_refused(self, s3):
        client = s3.client()
        client._request_signer._credentials.secret_key = "wrong"
        with pytest.raises(client.exceptions.ClientError, match="SignatureDoesNotMatch"):
            client.list_buckets()


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    settings = KafkaSettings(
        listeners=("TLS", "SASL_SSL", "SASL_PLAINTEXT"),
        users={"alice": "wonder"},
        heap_mb=256,
        short_lived=True,
    )
    folder = tmp_path_factory.mktemp("secure")
    with services(folder, kafka=settings, start=["kafka"]) as handles:
        yield handles.kafka


def login(kafka: Kafka, listener: str, **config: str | Path) -> dict[str, str]:
    """Returns a client's configuration for a listener; ``_`` stands for a dot in names."""
    given = {name.replace("_", "."): str(value) for name, value in config.items()}
    protocol = "SSL" if listener == "TLS" else listener
    return {
        "log_level": "0",
        "bootstrap.servers": kafka.address(listener),
        "security.protocol": protocol,
        "ssl.ca.location": str(kafka.certificates.authority),
        **given,
    }


def refusal(config: dict[str, str]) -> int | None:
    """Returns the code of the first error that tells why a client can't connect."""
    wanted = (KafkaError._AUTHENTICATION, KafkaError._SSL)
    codes: list[int] = []
    admin = AdminClient({**config, "error_cb": lambda error: codes.append(error.code())})
    wait_until(lambda: admin.poll(0.01) or any(c in wanted for c in codes), timeout=20)
    return next((code for code in codes if code in wanted), None)


class TestSecureListeners:
    def test_tls_clients_that_trust_the_authority_connect(self, secure):
        assert AdminClient(login(secure, "TLS")).list_topics(timeout=10).brokers

    def test_tls_clients_that_trust_another_authority_do_not(self, secure):
        wrong = secure.certificates.wrong_authority
        assert refusal(login(secure, "TLS", ssl_ca_location=wrong)) == KafkaError._SSL

    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    @pytest.mark.parametrize("listener", ["SASL_SSL", "SASL_PLAINTEXT"])
    def test_each_mechanism_takes_the_right_password_alone(self, secure, listener, mechanism):
        config = login(secure, listener, sasl_mechanism=mechanism, sasl_username="alice")
        right = AdminClient({**config, "sasl.password": "wonder"})
        assert right.list_topics(timeout=10).brokers
        assert refusal({**config, "sasl.password": "land"}) == KafkaError._AUTHENTICATION


OWNER = """
    import pathlib, sys, time
    from runners.local import services
    with services(pathlib.Path(sys.argv[1]), start=["s3", "redshift"]) as handles:
        print("up", flush=True)
        time.sleep(600)
"""


class TestOwnership:
    def test_servers_end_with_their_owner_even_if_it_is_killed(self, tmp_path):
        owner = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OWNER), tmp_path], stdout=subprocess.PIPE
        )
        with owner:
            assert owner.stdout.readline() == b"up\n"
            entries = State(tmp_path).entries()
            processes = [entry.process for entry in entries.values() if entry.process]
            gateway = psutil.Process(entries["redshift"].process.pid)
            processes += [ProcessId.of(child.pid) for child in gateway.children(recursive=True)]
            owner.kill()
        assert len(processes) > 4  # the watchdog, two servers, and PostgreSQL's processes
        assert wait_until(lambda: not any(p.is_alive() for p in processes), timeout=15)

    def test_nothing_is_left_when_one_server_cannot_come_up(self, tmp_path):
        broken = KafkaSettings(heap_mb=10**9)  # the store is made, and then Java gives up
        up = services(tmp_path, kafka=broken)
        with pytest.raises(LocalServiceError, match="kafka: it ended") as caught, up:
            pass
        assert "kafka.log" in str(caught.value)
        assert not any(service.is_alive() for service in Services.of(tmp_path).all)
        assert not State(tmp_path).entry("s3").process


class TestCommandLine:
    @pytest.fixture
    def run(self, tmp_path, capsys):
        """Runs a command on one state folder; returns its exit code and what it said."""

        def call(command: str, *words: str) -> tuple[int, str]:
            code = main([command, "--state_dir", str(tmp_path / "state"), *words])
            return code, capsys.readouterr().out

        yield call
        main(["down", "--state_dir", str(tmp_path / "state")])

    def test_up_status_and_down_do_what_they_say(self, tmp_path, run):
        folder = tmp_path / "state"
        assert run("status")[0] == 1
        first = run("up")
        assert first[0] == 0
        assert run("up") == first
        code, text = run("status")
        assert (code, text.count("healthy")) == (0, 3)
        kafka, s3 = Services.of(folder).kafka, Services.of(folder).s3
        assert (
            f"export KAFKA_BOOTSTRAP_SERVERS={kafka.bootstrap_servers}"
            in (folder / "env").read_text().splitlines()
        )
        redshift = Services.of(folder).redshift
        assert f"export REDSHIFT_PORT={redshift.port}" in (folder / "env").read_text().splitlines()
        started = [ProcessId.of(service.pid) for service in (kafka, s3, redshift)]
        os.kill(s3.pid, signal.SIGKILL)
        assert wait_until(lambda: not s3.is_alive(), timeout=10)
        assert run("status")[0] == 1
        assert run("up") == first
        assert kafka.pid == started[0].pid
        started.append(ProcessId.of(s3.pid))
        assert run("down")[0] == 0
        assert not any(process.is_alive() for process in started)
        assert (folder / "kafka").exists()
        assert run("down", "--purge")[0] == 0
        assert not folder.exists()

    def test_an_interrupted_up_stops_what_it_started(self, tmp_path):
        command = [sys.executable, "-m", "runners.local", "up", "--state_dir", tmp_path]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as up:
            assert wait_until(lambda: State(tmp_path).entry("s3").process is not None, timeout=60)
            server = State(tmp_path).entry("s3").process
            up.send_signal(signal.SIGINT)
        assert up.returncode == 130
        assert isinstance(server, ProcessId)
        assert not server.is_alive()
        assert not any(service.is_alive() for service in Services.of(tmp_path).all)

    def test_a_dead_record_of_a_reused_pid_is_not_signaled(self, tmp_path):
        handles = Services.of(tmp_path, s3=S3Settings())
        me = ProcessId(pid=os.getpid(), created=psutil.Process().create_time() - 3600)
        entry = State(tmp_path).entry("s3")
        entry.process = me
        with handles.state.lock():
            handles.state.put("s3", entry)
            handles.down()
        assert isinstance(handles.s3, S3)
        assert handles.s3.pid is None
