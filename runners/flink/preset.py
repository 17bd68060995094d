"""The Flink preset: on a real cluster or on a mini cluster in the job server's JVM; two modes."""

from collections.abc import Callable
from pathlib import Path

from runners import workers
from runners.capabilities import refuse
from runners.errors import RunnerRefusedError
from runners.flags import Flags, Mode, Setting
from runners.flink.hosts import is_here
from runners.flink.jobs import active, latest
from runners.flink.rest import Cluster, Overview

__all__ = ["JOB_NAME", "cluster_of", "cluster_settings", "job_name_of", "placeholders", "settings"]

#: The name by which a stream is found again on its cluster.
JOB_NAME = "pharmabeam"

# The job server's Flink; a cluster must have the same minor version.
_VERSION = "1.19"

_IN_THE_JVM = ("[local]", "[auto]")

#: What Beam has no flag for, in Flink's own terms.
_CONFIGURATION = Path(__file__).with_name("conf")

# Flags that hold a secret. A cluster shows a job's options to whoever asks its REST interface.
_SECRETS = ("s3_secret_access_key", "s3_session_token", "s3_access_key_id")

# What a stream needs beside checkpoints. The reasons are in runners/presets.py.
_STREAM = (
    Setting("streaming"),
    Setting("checkpointing_interval", "10000"),
    Setting("checkpointing_mode", "EXACTLY_ONCE"),
    Setting("checkpoint_timeout_millis", "60000"),
    Setting("min_pause_between_checkpoints", "2000"),
    Setting("finish_bundle_before_checkpointing"),
    Setting("externalized_checkpoints_enabled"),
    Setting("retain_externalized_checkpoints_on_cancellation"),
    Setting("max_bundle_size", "1000"),
    Setting("max_bundle_time_mills", "1000"),
    Setting("job_name", JOB_NAME),
)

# The steps of a batch job come one after the other.
_KEPT_WORKERS = Setting("environment_cache_millis", "10000")


def settings(flags: Flags, *, mode: Mode, cpus: int) -> list[Setting]:
    """Returns what Flink needs beside the user's flags, a job server, and what its cluster tells.

    Args:
        flags: the user's.
        mode: ``drain`` is a batch job, ``stream`` goes on.
        cpus: cores of this machine, the parallelism of a mini cluster.

    Raises:
        RunnerRefusedError: a flag asks for what this preset can't give.
    """
    chosen = [Setting("runner", "FlinkRunner"), *_job_server_settings(flags)]
    if "flink_master" not in flags:
        chosen.append(Setting("flink_master", "[local]"))
    chosen += _stream_settings(flags) if mode == "stream" else _drain_settings(flags)
    cluster = cluster_of(flags)
    if cluster:
        return [*chosen, *_workers_of(cluster, flags)]
    parallelism = flags.get("parallelism") or str(cpus)
    if "parallelism" not in flags:
        chosen.append(Setting("parallelism", parallelism))
    return [*chosen, *workers.settings(flags, local=True, workers=parallelism)]


def cluster_settings(flags: Flags, *, mode: Mode, notify: Callable[[str], None]) -> list[Setting]:
    """Returns what depends on the cluster of ``--flink_master``, which is asked.

    Args:
        flags: the user's.
        mode: as in `settings`.
        notify: gets one line on what a stream goes on from.

    Raises:
        RunnerRefusedError: that cluster can't run the job: it has another version, no free slot,
            hosts that don't reach this process, or already a stream of that name.
        FlinkClusterError: it gives no answer.
    """
    cluster = cluster_of(flags)
    if cluster is None:
        return []
    overview = cluster.overview()
    _check_version(flags, overview)
    if flags.get("environment_type") in (None, "LOOPBACK"):
        _check_hosts(flags, cluster)
    state = _restored(flags, cluster, notify) if mode == "stream" else []
    return [*_slot_settings(flags, overview, cluster), *state]


def placeholders(flags: Flags) -> list[Setting]:
    """Returns `cluster_settings` with words in place of what the cluster would tell."""
    if cluster_of(flags) is None:
        return []
    told = {
        "parallelism": "<slots that no job uses>",
        "sdk_worker_parallelism": "<slots of a TaskManager>",
    }
    return [Setting(flag, text) for flag, text in told.items() if flag not in flags]


def cluster_of(flags: Flags) -> Cluster | None:
    """Returns the cluster that is named, None if the job server's own JVM will be one."""
    master = flags.get("flink_master")
    return None if master is None or master in _IN_THE_JVM else Cluster(master)


def job_name_of(flags: Flags) -> str:
    """Returns the name by which the job is found on its cluster."""
    return flags.get("job_name") or JOB_NAME


def _job_server_settings(flags: Flags) -> list[Setting]:
    """Returns the settings that make Beam agree with the composed job server."""
    if "flink_job_server_jar" in flags or "job_endpoint" in flags:
        return []
    for flag in ("flink_submit_uber_jar", "output_executable_path"):
        if flag in flags:
            refuse(f"--{flag}")
    if flags.get("flink_version") not in (None, _VERSION):
        refuse("--flink_version")
    return [] if "flink_version" in flags else [Setting("flink_version", _VERSION)]


def _drain_settings(flags: Flags) -> list[Setting]:
    if "savepoint_path" in flags:
        refuse("--savepoint_path in drain mode")
    return [] if "environment_cache_millis" in flags else [_KEPT_WORKERS]


def _stream_settings(flags: Flags) -> list[Setting]:
    if "savepoint_path" in flags and cluster_of(flags) is None:
        refuse("--savepoint_path without a Flink cluster")
    chosen = [setting for setting in _STREAM if setting.flag not in flags]
    host = (flags.get("job_endpoint") or "localhost").rpartition(":")[0] or "localhost"
    # The job server reads that folder, so it must be on this machine.
    if "flink_conf_dir" not in flags and is_here(host):
        chosen.append(Setting("flink_conf_dir", str(_CONFIGURATION)))
    return chosen


def _workers_of(cluster: Cluster, flags: Flags) -> list[Setting]:
    for flag in _SECRETS:
        if flag in flags:
            refuse(f"--{flag} with a Flink cluster")
    return workers.settings(flags, local=is_here(cluster.host), workers=None)


def _check_version(flags: Flags, overview: Overview) -> None:
    """Refuses a cluster whose minor version isn't the job server's, where that is known."""
    others = "flink_job_server_jar" in flags or "job_endpoint" in flags
    wanted = flags.get("flink_version") or (None if others else _VERSION)
    if wanted and wanted != overview.minor:
        raise RunnerRefusedError(
            f"a cluster of Flink {overview.version}",
            f"the job server is for Flink {wanted}, and the minor versions must be equal",
            f"take a cluster of Flink {wanted}, or give Beam's job server of {overview.minor} with "
            f"--flink_job_server_jar and --flink_version={overview.minor}",
        )


def _check_hosts(flags: Flags, cluster: Cluster) -> None:
    """Refuses workers of this process if a TaskManager is on another host or in a container."""
    if not all(is_here(host) for host, _ in cluster.task_managers().values()):
        given = "environment_type" in flags
        refuse(
            "--environment_type=LOOPBACK with a remote master"
            if given
            else "a remote master without --environment_type"
        )


def _slot_settings(flags: Flags, overview: Overview, cluster: Cluster) -> list[Setting]:
    chosen = []
    if "parallelism" not in flags:
        # Not the free ones: those of a job that has just ended are freed seconds later.
        slots = overview.slots - cluster.slots_in_use()
        if slots <= 0:
            refuse("a Flink cluster without a free slot")
        chosen.append(Setting("parallelism", str(slots)))
    if "sdk_worker_parallelism" not in flags and overview.task_managers:
        slots = -(-overview.slots // overview.task_managers)
        chosen.append(Setting("sdk_worker_parallelism", str(slots)))
    return chosen


def _restored(flags: Flags, cluster: Cluster, notify: Callable[[str], None]) -> list[Setting]:
    """Returns where a stream goes on from, after a look at whether it still runs."""
    name = job_name_of(flags)
    if job := active(cluster, name):
        raise RunnerRefusedError(
            f"a second stream named {name}",
            f"job {job.id} runs on the cluster, and both would contend for the lake's commits",
            f"stop that one with python -m runners.flink stop --flink_master {cluster.url} "
            f"--job_name {name}, or give this one another --job_name",
        )
    wanted = flags.get("savepoint_path")
    path = latest(cluster, name) if wanted == "latest" else wanted
    if path is None:
        notify("The stream begins without Flink's state, from the lake's fences")
        return []
    notify(f"The stream goes on from {path}")
    return [Setting("savepoint_path", path)]
