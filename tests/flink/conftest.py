"""The fixtures of this folder."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from runners import flink, presets
from runners.job_servers import FLINK
from runners.local import Flink
from tests.portability.servers import served

#: Adds a stream's steps.
Build = Callable[[beam.Pipeline], object]


def start_stream(flags: Sequence[str], name: str, build: Build) -> PipelineResult:
    """Starts a stream of a name that is checkpointed every second or so."""
    argv = [*flags, f"--job_name={name}", "--checkpointing_interval=1000"]
    pipeline = beam.Pipeline(options=PipelineOptions(presets.prepare(argv, mode="stream")))
    build(pipeline)
    return pipeline.run()


@pytest.fixture(scope="session")
def cluster_flags(
    flink_cluster: Flink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The user's flags for the cluster, through one job server for the whole session."""
    folder = tmp_path_factory.mktemp("job-server")
    master = f"--flink_master={flink_cluster.address}"
    address = ["--flink-master", flink_cluster.address]
    class_path = flink_cluster.cluster.class_path()
    with served(FLINK, address, folder, class_path=class_path) as endpoint:
        yield ["--runner=FlinkRunner", master, f"--job_endpoint={endpoint}"]


@pytest.fixture
def streaming(
    flink_cluster: Flink, cluster_flags: list[str]
) -> Callable[[str, Build], AbstractContextManager[None]]:
    """Runs a stream of a name, its workers in this process, while the body does."""

    @contextlib.contextmanager
    def running(name: str, build: Build) -> Iterator[None]:
        result = start_stream(cluster_flags, name, build)
        try:
            yield
        finally:
            flink.stop(flink_cluster.cluster, name, savepoint=False)
            result.cancel()  # The job has ended, and so do its workers.

    return running
