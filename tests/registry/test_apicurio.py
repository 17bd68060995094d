"""The same client against a real registry: Apicurio, whose API is Confluent-compatible."""

import socket
import subprocess
import tarfile
import time

import pytest
from jgo.maven import MavenContext

from beam_pipelines.contracts.cli import main
from runners import java
from schemas.catalog import packaged_datasets
from schemas.errors import RegistryUnavailableError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError, open_registry

pytestmark = pytest.mark.registry

VERSION = "2.6.13.Final"  # 3.x needs Java 21 and writes schemas anew
START_SECONDS = 90


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a registry that keeps its content in memory."""
    folder = tmp_path_factory.mktemp("apicurio")
    # Not by runners.maven: the text form of a coordinate has no room for "tar.gz".
    component = MavenContext().project("io.apicurio", "apicurio-registry-app").at_version(VERSION)
    archive = component.artifact(classifier="all", packaging="tar.gz").resolve()
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (runner,) = folder.rglob("*-runner.jar")
    port = free_port()
    flags = ["-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}", "-Xmx384m"]
    command = [str(java.find().executable), *flags, "-jar", str(runner)]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        await_answer(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_answer(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert server.poll() is None, "the registry ended; see its log"
        try:
            open_registry(address, **{"max.retries": 0}).subjects()
            return
        except (RegistryUnavailableError, RegistryRefusedError):
            assert time.monotonic() < deadline, "the registry doesn't answer"
            time.sleep(0.2)


def test_the_packaged_schemas_are_registered_and_found_again(url, capsys):
    assert main(["register", "--registry", url]) == 0
    assert main(["check", "--registry", url, "--level", "FULL"]) == 0
    assert "none incompatible" in capsys.readouterr().out
    registry = open_registry(url)
    for dataset in packaged_datasets():
        versions = registry.versions(f"{dataset.topic}-value")
        assert tuple(one.schema for one in versions) == dataset.versions
        assert [registry.schema_by_id(one.id) for one in versions] == list(dataset.versions)
        fingerprint = f"{dataset.reader.fingerprint:016x}"
        assert registry.schema_by_id(fingerprint) == dataset.reader


def test_registering_again_gives_the_same_id(url):
    registry, schema = open_registry(url), AvroSchema.parse('"long"')
    assert registry.register("again", schema) == registry.register("again", schema)


def test_an_unknown_id_and_an_unknown_subject_are_told_apart(url):
    registry = open_registry(url)
    with pytest.raises(UnknownSchemaError):
        registry.schema_by_id("999999")
    assert registry.versions("nobody") == []


def test_a_wrong_path_is_refused(url):
    with pytest.raises(RegistryRefusedError):
        open_registry(url.replace("/apis/ccompat/v7", "/elsewhere")).subjects()
