"""A stream's life on a cluster: which job it is, where it can go on from, and how it ends."""

import time
from dataclasses import dataclass
from typing import Final

from runners.errors import FlinkClusterError
from runners.flink.rest import ENDED, Checkpoint, Cluster, Job

__all__ = ["Stopped", "active", "latest", "restorable", "stop"]

# A job that ends closes its workers first, which may be in a call of some seconds.
_END_TIMEOUT_S: Final = 60

# A JobManager answers from a copy of a job, for web.refresh-interval: 3 s unless it is changed.
_SETTLED_S: Final = 4


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """How a job ended.

    Attributes:
        job: as it was before.
        state: ``FINISHED`` after a savepoint, else ``CANCELED``, or what it had come to by itself.
        path: what the next start can be given as ``--savepoint_path``; None if there is nothing.
        problem: why there is no savepoint although one was wanted; None if there is one.
    """

    job: Job
    state: str
    path: str | None
    problem: str | None


def active(cluster: Cluster, name: str) -> Job | None:
    """Returns the job of that name that hasn't ended, if any.

    Raises:
        FlinkClusterError: the cluster gives no answer.
    """
    return next((job for job in cluster.jobs() if job.name == name and not job.ended), None)


def latest(cluster: Cluster, name: str) -> str | None:
    """Returns the newest savepoint or retained checkpoint of the job of that name.

    A JobManager knows the jobs of its own life only, and those that ended an hour ago no more.

    Raises:
        FlinkClusterError: the cluster gives no answer.
    """
    for job in cluster.jobs():
        if job.name == name:
            _let_settle(job)
            if path := restorable(cluster, job.id):
                return path
    return None


def _let_settle(job: Job) -> None:
    """Waits until the cluster tells the last that it knows of a job which has just ended."""
    since = time.time() - job.ended_ms / 1000
    if job.ended and 0 <= since < _SETTLED_S:
        time.sleep(_SETTLED_S - since)


def restorable(cluster: Cluster, job_id: str) -> str | None:
    """Returns the newest savepoint or checkpoint of one job whose files are still there."""
    known = cluster.checkpoints(job_id)
    there = [each for each in (known.last, known.last_savepoint) if each and not each.discarded]
    if newest := max(there, key=_begun, default=None):
        return newest.path
    # One that hadn't come to its first checkpoint is where it was started from.
    return known.restored_from if known.completed == 0 else None


def stop(cluster: Cluster, name: str, *, savepoint: bool = True) -> Stopped | None:
    """Ends the job of that name; returns None if there is none.

    Args:
        cluster: where it runs.
        name: as in ``--job_name``.
        savepoint: whether to make a savepoint at its end. Where that fails (a job that is just
            restarting can't), the job is canceled: its last checkpoint stays.

    Raises:
        FlinkClusterError: the cluster gives no answer, or the job doesn't end.

    Guarantees:
        When this returns, the job has ended: nothing more will be written by it.
    """
    job = active(cluster, name)
    if job is None:
        return None
    path, problem = _try_savepoint(cluster, job) if savepoint else (None, None)
    if path is None:
        _cancel(cluster, job)
    state = cluster.wait_for(job.id, ENDED, _END_TIMEOUT_S)
    if path is None:
        path = restorable(cluster, job.id)
    return Stopped(job=job, state=state, path=path, problem=problem)


def _try_savepoint(cluster: Cluster, job: Job) -> tuple[str | None, str | None]:
    """Returns the savepoint's path, or why there is none."""
    try:
        return cluster.stop(job.id), None
    except FlinkClusterError as error:
        return None, error.reason


def _cancel(cluster: Cluster, job: Job) -> None:
    try:
        cluster.cancel(job.id)
    except FlinkClusterError:
        # One that has just ended by itself can't be canceled, and needn't be.
        if cluster.state(job.id) not in ENDED:
            raise


def _begun(checkpoint: Checkpoint) -> int:
    return checkpoint.begun_ms
