"""The main job as a stream, on a cluster of real processes: stopped, gone on, and proven."""

import signal

import pytest

from runners import flink
from tests.faults.lakes import wait_until
from tests.integration.jobs import NUMBERS, SEGMENT, Job
from tests.launcher import Run

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


def start(job: Job, flink_cluster, *flags: str) -> Run:
    name = f"--job_name={job.schema}"
    master = f"--flink_master={flink_cluster.address}"
    return job.start(
        "--mode=stream", "--runner=FlinkRunner", master, name, "--load_interval=2", *flags
    )


def test_a_stream_is_stopped_in_order_and_goes_on_from_its_savepoint(job, flink_cluster):
    job.send(100)
    job.send(30, partition=1)
    first = start(job, flink_cluster)
    wait_until(lambda: job.rows() == 130, START_S)
    job.send(50)
    wait_until(lambda: job.rows() == 180, START_S)

    first.signal(signal.SIGTERM)
    ended = first.wait(START_S)

    assert ended.code == 0, ended
    assert flink.active(flink_cluster.cluster, job.schema) is None
    (savepoint,) = [line for line in ended.err.splitlines() if "--savepoint_path" in line]
    job.send(20, partition=1)
    second = start(job, flink_cluster, f"--savepoint_path={savepoint.split()[-1]}")
    wait_until(lambda: job.rows() == 200, START_S)
    second.signal(signal.SIGINT)
    assert second.wait(START_S).code == 0
    job.assert_proven(200)
