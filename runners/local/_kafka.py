"""A real Apache Kafka: one node, broker and controller in one process, from Maven artifacts."""

import base64
import hashlib
import json
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runners import java, maven
from runners.errors import LocalServiceError
from runners.local import _certificates
from runners.local._ports import HOST, accepts
from runners.local._service import Service
from runners.local._state import State

__all__ = ["Kafka", "KafkaSettings", "Listener"]

VERSION = "4.1.2"

# Kafka names no logging back end among its dependencies; this one writes to standard error.

# The first compiler alone.
_QUICK_JAVA = "-XX:TieredStopAtLevel=1"

# Formatting takes 2 s; the rest is for a machine that is busy with everything else.
_FORMAT_TIMEOUT_S = 120

Listener = Literal["PLAINTEXT", "TLS", "SASL_SSL", "SASL_PLAINTEXT"]
_PROTOCOLS: Mapping[Listener, str] = {
    "PLAINTEXT": "PLAINTEXT",
    "TLS": "SSL",
    "SASL_SSL": "SASL_SSL",
    "SASL_PLAINTEXT": "SASL_PLAINTEXT",
}
_SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """What to serve.

    Attributes:
        listeners: besides PLAINTEXT, which is always there. Each SASL listener offers PLAIN,
            SCRAM-SHA-256 and SCRAM-SHA-512 to the same users.
        users: password by name, for the SASL listeners; fixed at the first start.
        heap_mb: the Java heap.
        short_lived: whether to compile quickly instead of well: a start costs 2.3 CPU seconds
            instead of 4, and long use costs more.
        properties: broker settings that override ours.
    """

    listeners: tuple[Listener, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    heap_mb: int = 512
    short_lived: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.listeners) - set(_PROTOCOLS):
            raise ValueError(f"field listeners must be of {[*_PROTOCOLS]}, got {sorted(unknown)}")
        if any(name.startswith("SASL") for name in self.listeners) and not self.users:
            raise ValueError("field users must name at least one user for a SASL listener")
        if any(set(text) & set("\"\\,=[];' ") for pair in self.users.items() for text in pair):
            raise ValueError("field users must have no quotes, spaces or any of \\ , = [ ] ;")
        if self.heap_mb < 256:
            raise ValueError(f"field heap_mb must be at least 256, got {self.heap_mb}")


class Kafka(Service):
    """The Kafka broker of a state folder.

    Args:
        state: the record of the state folder.
        settings: what to serve.
    """

    name = "kafka"

    def __init__(self, state: State, settings: KafkaSettings) -> None:
        super().__init__(state)
        self.settings = settings

    @property
    def bootstrap_servers(self) -> str:
        """The address of the PLAINTEXT listener."""
        return self.address("PLAINTEXT")

    @property
    def certificates(self) -> _certificates.Certificates:
        """What TLS clients trust, and a wrong authority for negative tests."""
        return _certificates.in_folder(self.folder / "tls")

    def address(self, listener: Listener) -> str:
        """Returns a listener's address, as in ``127.0.0.1:20000``."""
        return f"{HOST}:{self._port(listener)}"

    def environ(self) -> Mapping[str, str]:
        """Returns ``KAFKA_BOOTSTRAP_SERVERS``."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def admin(self, **config: Any) -> Any:
        """Returns a confluent_kafka AdminClient of the PLAINTEXT listener."""
        # Here, not above: the watchdog imports this package and must stay small.
        from confluent_kafka.admin import AdminClient

        # librdkafka reports each refused connection on standard error otherwise, and takes a whole
        # core to try again while the broker starts.
        quiet = {"log_level": 0, "socket.timeout.ms": 5000, "enable.sparse.connections": False}
        return AdminClient({"bootstrap.servers": self.bootstrap_servers, **quiet, **config})

    def _listeners(self) -> tuple[Listener, ...]:
        return ("PLAINTEXT", *(name for name in self.settings.listeners if name != "PLAINTEXT"))

    def _port_names(self) -> tuple[str, ...]:
        return ("CONTROLLER", *self._listeners())

    def _prepare(self) -> None:
        properties = "".join(f"{key}={value}\n" for key, value in self._properties().items())
        self._config.touch(mode=0o600)
        self._config.write_text(properties)
        users = json.dumps(dict(self.settings.users), sort_keys=True)
        mark = hashlib.sha256(users.encode()).hexdigest()
        marker = self.folder / "formatted"
        if not marker.exists():
            self._format()
            marker.write_text(mark)
        elif marker.read_text() != mark:
            reason = "its users differ from those that the store was made with"
            raise LocalServiceError(self.name, reason, "take another state folder")

    def _format(self) -> None:
        cluster_id = self.folder / "cluster_id"
        if not cluster_id.exists():
            cluster_id.write_text(_new_cluster_id())
        command = [*self._java(_QUICK_JAVA), "kafka.tools.StorageTool", "format"]
        # Of the same id and over what is there: a format whose caller was killed may still run.
        command += ["--ignore-formatted", "--cluster-id", cluster_id.read_text()]
        command += ["--config", str(self._config)]
        for user, password in self.settings.users.items():
            for mechanism in _SCRAM:
                command += ["--add-scram", f"{mechanism}=[name={user},password={password}]"]
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_FORMAT_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is ours to handle, not the tool's.
            start_new_session=True,
        )
        if result.returncode:
            reason = f"its store can't be formatted: {_complaint(result.stdout + result.stderr)}"
            raise LocalServiceError(self.name, reason, f"see {self._config}")

    def _command(self) -> list[str | Path]:
        heap = f"{self.settings.heap_mb}m"
        quick = [_QUICK_JAVA] if self.settings.short_lived else []
        return [
            *self._java(f"-Xms{heap}", f"-Xmx{heap}", "-Xss512k", *quick),
            "kafka.Kafka",
            str(self._config),
        ]

    def _java(self, *options: str) -> list[str]:
        class_path = ":".join(map(str, maven.jars(maven.locked("kafka-4.1"), label="Apache Kafka")))
        return [
            str(java.find().executable),
            *options,
            # Of the collectors the one that leaves most of two cores to others.
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
            "-cp",
            class_path,
        ]

    def _answers(self) -> bool:
        if not accepts(self._port("PLAINTEXT")):
            return False
        from confluent_kafka import KafkaException

        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    @property
    def _config(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _properties(self) -> dict[str, str]:
        return {
            **self._network(),
            **(self._tls() if {"TLS", "SASL_SSL"} & set(self._listeners()) else {}),
            **self._sasl(),
            "log.dirs": str(self._data),
            **_SINGLE_NODE,
            **_QUICK,
            **self.settings.properties,
        }

    def _network(self) -> dict[str, str]:
        names: list[str] = [*self._listeners(), "CONTROLLER"]
        addresses = {name: f"{name}://{HOST}:{self._port(name)}" for name in names}
        protocols: dict[str, str] = {"CONTROLLER": "PLAINTEXT", **dict(_PROTOCOLS.items())}
        return {
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(addresses.values()),
            "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.quorum.voters": f"1@{HOST}:{self._port('CONTROLLER')}",
        }

    def _tls(self) -> dict[str, str]:
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificates.server),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates.authority),
        }

    def _sasl(self) -> dict[str, str]:
        module = "org.apache.kafka.common.security"
        users = " ".join(f'user_{name}="{word}"' for name, word in self.settings.users.items())
        properties = {}
        for listener in (name for name in self._listeners() if name.startswith("SASL")):
            prefix = f"listener.name.{listener.lower()}"
            properties[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(("PLAIN", *_SCRAM))
            plain = f"{module}.plain.PlainLoginModule required {users};"
            properties[f"{prefix}.plain.sasl.jaas.config"] = plain
            for mechanism in _SCRAM:
                scram = f"{module}.scram.ScramLoginModule required;"
                properties[f"{prefix}.{mechanism.lower()}.sasl.jaas.config"] = scram
        return properties


_SINGLE_NODE: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A typing error in a topic's name must show.
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "4",
    # The default cleaner buffer of 128 MB is a quarter of our heap.
    "log.cleaner.dedupe.buffer.size": "16777216",
}

_QUICK: Mapping[str, str] = {
    # A consumer group would wait 3 s for more members.
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker is refused by its own controller until the session of its former life ends.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "250",
    # Retention and compaction act within seconds, not minutes.
    "log.initial.task.delay.ms": "1000",
    "log.retention.check.interval.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
    # A transaction that is left hanging is aborted soon after its own time-out.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}


def _new_cluster_id() -> str:
    """Returns a random id, in the form that Kafka wants: 16 bytes as 22 characters of base64."""
    # The tool's option parser would take a leading dash for an option.
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text


def _complaint(text: str) -> str:
    """Returns the last line of a Java program's output that isn't part of a stack trace."""
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "... "))]
    return told[-1][:200] if told else "no output"
