"""Fixtures: one job server a runner for the whole session, started when first used."""

import contextlib
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import grpc
import pytest

from runners import job_servers
from runners.job_servers import FLINK, SPARK, JobServer
from runners.local._ports import free_ports

# Class loading alone takes ten seconds on a busy machine of two cores.
_START_S = 90


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The user's flags for a mini cluster of two tasks; for drains, as it doesn't end a stream."""
    folder = tmp_path_factory.mktemp("flink")
    with served(FLINK, ["--flink-master", "[local]"], folder) as endpoint:
        yield ["--runner=flink", "--parallelism=2", f"--job_endpoint={endpoint}"]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The user's flags for a local Spark of two tasks."""
    folder = tmp_path_factory.mktemp("spark")
    ours = [f"-D{name}=127.0.0.1" for name in ("spark.driver.host", "spark.driver.bindAddress")]
    master = ["--spark-master-url", "local[2]"]
    with served(SPARK, master, folder, jvm=ours) as endpoint:
        yield ["--runner=spark", "--spark_master_url=local[2]", f"--job_endpoint={endpoint}"]


@contextlib.contextmanager
def served(
    server: JobServer,
    master: list[str],
    folder: Path,
    *,
    jvm: Sequence[str] = (),
    class_path: Collection[str] = (),
) -> Iterator[str]:
    """Runs a job server as Beam would; yields its address."""
    jar = job_servers.compose(server, notify=lambda line: None, class_path=class_path)
    (port,) = free_ports(1)
    log = folder / "job-server.log"
    command = [*job_servers.jvm_command(server, log), *jvm, "-jar", str(jar), *master]
    command += ["--job-port", str(port), "--artifact-port", "0", "--expansion-port", "0"]
    command += ["--artifacts-dir", str(folder / "artifacts")]
    with subprocess.Popen(command) as process:
        try:
            _await(f"localhost:{port}", log)
            yield f"localhost:{port}"
        finally:
            process.terminate()


def _await(endpoint: str, log: Path) -> None:
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_START_S)
        except grpc.FutureTimeoutError:
            pytest.fail(f"no job server at {endpoint}: {log.read_text()[-2000:]}")
