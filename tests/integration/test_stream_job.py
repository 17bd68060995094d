"""The main job as a stream, on a cluster of real processes: stopped, gone on, and proven."""

import json
import signal
import urllib.request

import pytest

from runners import flink
from runners.local._ports import accepts, free_ports
from tests.faults.lakes import wait_until
from tests.flink.told import told
from tests.integration.jobs import NUMBERS, SEGMENT, TABLE, Job
from tests.integration.small import fences
from tests.launcher import Run
from tests.scrapes import scraped

pytestmark = pytest.mark.flink

#: A start loads classes and starts workers: on a machine that does everything else too, slowly.
START_S = 150


@pytest.fixture
def job(kafka, make_lake, topic_factory, warehouse, flink_cluster) -> Job:
    topic = topic_factory(2)
    lake = make_lake(topic, segment={"messages": SEGMENT}, stream={"max_age_s": 1})
    made = Job(kafka, lake, topic, warehouse, f"stream_{next(NUMBERS)}")
    made.migrate()
    yield made
    for left in flink_cluster.cluster.jobs():
        if not left.ended:
            flink.stop(flink_cluster.cluster, left.name, savepoint=False)


@pytest.fixture
def pool(job) -> tuple[list[str], int]:
    """A pool of workers that tells Prometheus of them: the job's flags, and where it tells."""
    port, metrics_port = free_ports(2)
    argv = [f"--port={port}", f"--metrics_port={metrics_port}"]
    environ = job.lake.s3.environ()
    running = job.lake.launcher.launch(argv, environ=environ, main="runners.pool:main")
    wait_until(lambda: accepts(port), START_S)
    yield (
        ["--environment_type=EXTERNAL", f"--environment_config=127.0.0.1:{port}"],
        metrics_port,
    )
    running.signal(signal.SIGTERM)
    running.wait()


def start(job: Job, flink_cluster, *flags: str) -> Run:
    name = f"--job_name={job.schema}"
    master = f"--flink_master={flink_cluster.address}"
    return job.start(
        "--mode=stream", "--runner=FlinkRunner", master, name, "--load_interval=2", *flags
    )


def stages(job: Job, cluster: flink.Cluster) -> list[str]:
    """What each operator on the cluster's plan of the running stream consists of."""
    running = flink.active(cluster, job.schema)
    with urllib.request.urlopen(f"{cluster.url}/jobs/{running.id}") as answer:
        vertices = json.load(answer)["vertices"]
    return [operator for vertex in vertices for operator in vertex["name"].split(" -> ")]


def savepoint_of(ended) -> str:
    """The path that the stopped stream told."""
    (line,) = [line for line in ended.err.splitlines() if "--savepoint_path" in line]
    return line.split()[-1]


def assert_told(job: Job, cluster: flink.Cluster, port: int) -> None:
    """Flink tells what was committed and loaded, and so do the workers to Prometheus."""
    place = f"{job.topic}/0"
    committed = f"committed_messages/{place}/accepted"
    loaded = f"loaded_rows/{TABLE}"
    wanted = {committed: 100, loaded: 130}

    def reported() -> dict[str, float]:
        found = told(cluster, job.schema)
        return {name: found[name] for name in wanted if name in found}

    # Flink itself looks every two seconds.
    wait_until(lambda: reported() == wanted, START_S)
    assert f"lag_offsets/{place}" in told(cluster, job.schema)
    where = (("disposition", "accepted"), ("partition", "0"), ("topic", job.topic))
    assert scraped(port)["pharmabeam_committed_messages_total", where] == 100


def test_a_stream_goes_on_with_its_state_on_more_workers_and_without_it_as_another_graph(
    job, pool, flink_cluster
):
    cluster = flink_cluster.cluster
    job.send(100)
    job.send(30, partition=1)
    workers, port = pool
    first = start(job, flink_cluster, "--parallelism=1", *workers)
    wait_until(lambda: job.rows() == 130, START_S)
    assert_told(job, cluster, port)
    assert cluster.slots_in_use() == 1
    (stage,) = [each for each in stages(job, cluster) if "EnforceSchema" in each]
    steps = ("ReadFromKafka", "EnforceSchema", "MaskFields", "EnforceLimits", "WriteToS3")
    # Behind the sink stands what joins all pipes of a stream.
    assert f"]{{{', '.join(steps)}, " in stage
    # Ctrl-C at a terminal.
    first.interrupt()
    ended = first.wait(START_S)
    assert ended.code == 0, ended
    assert flink.active(cluster, job.schema) is None

    job.send(50)
    job.send(20, partition=1)
    path = savepoint_of(ended)
    second = start(job, flink_cluster, "--parallelism=2", f"--savepoint_path={path}")
    wait_until(lambda: job.rows() == 200, START_S)
    assert cluster.slots_in_use() == 2
    assert cluster.checkpoints(flink.active(cluster, job.schema).id).restored_from == path
    second.signal(signal.SIGTERM)
    assert second.wait(START_S).code == 0

    job.send(10)
    # Another graph: the load is left to another process.
    third = start(job, flink_cluster, "--parallelism=1", "--load=external")
    wait_until(lambda: fences(job.lake, job.topic) == {0: 160, 1: 50}, START_S)
    assert not any("WriteToRedshift" in stage for stage in stages(job, cluster))
    third.signal(signal.SIGTERM)
    assert third.wait(START_S).code == 0
    assert job.load().code == 0
    job.assert_proven(210)
