"""CPU seconds of the processes of a stream, by what they are."""

from collections.abc import Iterable, Mapping

import psutil

from runners.local import Services


def cpu_seconds(local: Services, client: int) -> dict[str, float]:
    """Returns the CPU seconds that each kind of process has used up to now.

    Args:
        local: The servers and the cluster.
        client: Process number of the command that submitted the job.
    """
    flink = local.flink
    kinds: Mapping[str, Iterable[int | None]] = {
        "Python workers": [flink.workers.pid],
        "TaskManagers": [each.pid for each in flink.task_managers],
        "JobManager": [flink.job_manager.pid],
        "client and job server": [client],
        "Kafka": [local.kafka.pid],
        "S3": [local.s3.pid],
        "warehouse's stand-in": [local.redshift.pid],
    }
    return {kind: sum(_family(pid) for pid in pids if pid) for kind, pids in kinds.items()}


def _family(pid: int) -> float:
    """Returns what a process and its descendants used, those that it waited for too."""
    root = psutil.Process(pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
