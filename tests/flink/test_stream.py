"""A stream on a real cluster: it survives its processes, is stopped, and goes on."""

import os
import signal

import pytest

from runners import flink
from runners.errors import RunnerRefusedError
from runners.local._processes import wait_until
from tests.flink import toy
from tests.flink.conftest import start_stream

pytestmark = [
    pytest.mark.flink,
    # Workers of this process end with an exception of Beam's when their runner closes down.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

# A start loads classes and starts workers: on a machine that does everything else as well, slowly.
START_S = 120


@pytest.fixture
def run(cluster_flags, tmp_path, flink_cluster):
    """Starts the toy stream and returns what it writes; a job that is left is canceled."""

    def start(name, *flags):
        path = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
        start_stream([*cluster_flags, *flags], name, lambda pipeline: toy.build(pipeline, path))
        await_that(lambda: min(toy.Written(path).highest()) >= 0)
        return path

    yield start
    for job in flink_cluster.cluster.jobs():
        if not job.ended:
            flink.stop(flink_cluster.cluster, job.name, savepoint=False)


def await_that(condition):
    assert wait_until(condition, timeout=START_S)


def await_progress(path):
    before = toy.Written(path).highest()
    await_that(lambda: all(n > m for n, m in zip(toy.Written(path).highest(), before, strict=True)))


def await_checkpoint(cluster, job):
    """Returns the size of the next checkpoint."""
    before = cluster.checkpoints(job.id).completed
    await_that(lambda: cluster.checkpoints(job.id).completed > before)
    return cluster.checkpoints(job.id).last.size_bytes


def first_of(path):
    """Returns the number from which each partition went on."""
    return [toy.Written(path).numbers(each)[0] for each in range(toy.PARTITIONS)]


def external(flink_cluster):
    pool = flink_cluster.workers.address
    return ["--environment_type=EXTERNAL", f"--environment_config={pool}"]


def test_a_stream_survives_its_processes_and_goes_on_from_its_savepoint_and_its_checkpoint(
    run, servers, flink_cluster
):
    cluster = flink_cluster.cluster
    path = run("survivor", *external(flink_cluster))
    job = flink.active(cluster, "survivor")
    size = await_checkpoint(cluster, job)
    assert len(toy.Written(path).workers) == 2
    with pytest.raises(RunnerRefusedError, match="a second stream named survivor"):
        run("survivor")

    flink_cluster.task_managers[0].kill()
    flink_cluster.task_managers[0].restart(START_S)
    await_progress(path)
    worker = toy.Written(path).workers[-1]
    os.kill(worker, signal.SIGKILL)
    await_progress(path)
    # Some pauses of two partitions later: each used to leave 1.8 KB (runners/residuals.py).
    await_that(lambda: min(toy.Written(path).highest()) >= 8)
    assert await_checkpoint(cluster, job) < 1.3 * size

    stopped = flink.stop(cluster, "survivor")
    assert (stopped.state, stopped.problem) == ("FINISHED", None)
    assert flink.active(cluster, "survivor") is None
    before = toy.Written(path)
    # A failure does work again from the last checkpoint on; nothing is left out.
    for partition in range(toy.PARTITIONS):
        numbers = sorted(set(before.numbers(partition)))
        assert numbers == list(range(len(numbers)))
    assert before.all_told

    again = run("survivor", "--savepoint_path=latest")
    assert first_of(again) == [highest + 1 for highest in before.highest()]
    assert os.getpid() in toy.Written(again).workers  # LOOPBACK, since all is on this machine

    await_checkpoint(cluster, flink.active(cluster, "survivor"))
    for process in (flink_cluster.job_manager, *flink_cluster.task_managers):
        process.kill()
    servers.up(["flink"])
    assert cluster.jobs() == []
    third = run("survivor", f"--savepoint_path={flink_cluster.latest_checkpoint()}")
    # It knows of all that was written before the savepoint, and of some that was since.
    for first, saved, highest in zip(
        first_of(third), before.highest(), toy.Written(again).highest(), strict=True
    ):
        assert saved < first <= highest + 1
