"""The images: pinned, of the versions that the tests run with, and the one that we make."""

import json
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest

from runners import maven
from tests.runners.deploy.templates import (
    COMPOSE,
    DOCKERFILE,
    FOLDER,
    containers,
    documents,
    flink_deployment,
)


class TestImages:
    PINNED = re.compile(r"[\w./-]+:\d+\.\d+\.?\d*[\w.-]*")
    BASES = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)

    def test_all_are_pinned(self):
        flink = flink_deployment()["spec"]["image"]
        images = {each.image for each in containers()} | {flink, *self.BASES}
        assert len(images) == 5
        assert not {each for each in images if not self.PINNED.fullmatch(each)}

    def test_they_have_the_versions_that_the_tests_run_with(self):
        images = {each.image.partition(":")[0]: each.image for each in containers()}
        flink = self.locked("flink-1.19", "org.apache.flink:flink-runtime")
        kafka = self.locked("kafka-4.1", "org.apache.kafka:kafka_2.13")
        assert flink_deployment()["spec"]["image"] == images["flink"]
        assert images["flink"].startswith(f"flink:{flink.rpartition('.')[0]}.")
        assert images["apache/kafka"] == f"apache/kafka:{kafka}"
        assert set(self.BASES) == {f"apache/beam_python3.11_sdk:{version('apache-beam')}"}
        assert images["pharmabeam"] == f"pharmabeam:{version('pharmabeam')}"

    def locked(self, name: str, artifact: str) -> str:
        return next(
            line.rpartition(":")[2]
            for line in maven.locked(name)
            if line.startswith(artifact + ":")
        )

    def test_flink_is_asked_for_the_plugin_of_its_own_version(self):
        (_, tag) = flink_deployment()["spec"]["image"].split(":")
        plugin = f"flink-s3-fs-presto-{tag.partition('-')[0]}.jar"
        for text in (COMPOSE.read_text(), (FOLDER / "kubernetes/stream/flink.yaml").read_text()):
            assert set(re.findall(r"flink-s3-fs-\S+\.jar", text)) == {plugin}


class TestDockerfile:
    TEXT = DOCKERFILE.read_text()

    def test_the_linter_finds_nothing(self):
        hadolint = Path(sys.executable).with_name("hadolint")
        command = [hadolint, "--failure-threshold=info", DOCKERFILE]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (0, "")

    def test_it_installs_the_wheel_that_it_builds(self):
        assert f"/wheels/pharmabeam-{version('pharmabeam')}-py3-none-any.whl[" in self.TEXT

    def test_it_takes_all_that_the_wheel_is_made_of_and_nothing_else(self):
        packages = {"schemas", "transforms", "runners", "beam_pipelines"}
        copied = set(re.findall(r"^COPY ([\w ./]+)$", self.TEXT, re.MULTILINE))
        assert copied == {"setup.py pyproject.toml ./"} | {f"{name} {name}" for name in packages}
        ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
        kept = {line[1:] for line in ignored if line.startswith("!")}
        assert "*" in ignored
        assert kept == packages | {"setup.py", "pyproject.toml"}

    def test_the_job_server_that_it_fetches_is_there(self):
        (code,) = re.findall(r'python -c "(from .*)"', self.TEXT)
        fetched = []
        stand_in = code.replace("compose(", "fetched.append(", 1).replace(", notify=print", "")
        exec(stand_in, {"fetched": fetched})
        assert [each.name for each in fetched] == ["flink-1.19"]


class TestLocalS3:
    SERVICE = documents(COMPOSE)[0]["services"]["s3"]

    def test_the_server_knows_each_flag(self):
        weed = Path(sys.executable).with_name("weed")
        told = subprocess.run([weed, "mini", "-h"], capture_output=True, text=True, timeout=60)
        known = set(re.findall(r"^  -([\w.]+)", told.stderr + told.stdout, re.MULTILINE))
        mini, *flags = self.SERVICE["command"]
        assert mini == "mini"
        assert {flag[1:].partition("=")[0] for flag in flags} <= known

    def test_its_identities_are_json(self):
        text = documents(COMPOSE)[0]["configs"]["s3"]["content"]
        (identity,) = json.loads(text)["identities"]
        assert identity["credentials"][0]["accessKey"] == "${AWS_ACCESS_KEY_ID:?}"

    @pytest.mark.operations
    def test_its_health_is_told_where_compose_asks(self, s3):
        path = self.SERVICE["healthcheck"]["test"][-1].rpartition("/")[2]
        with urllib.request.urlopen(f"{s3.endpoint_url}/{path}", timeout=10) as answer:
            assert answer.status == 200
