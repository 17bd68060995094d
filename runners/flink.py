"""The Flink preset: a batch job, on a mini cluster in the job server's JVM or on a real one."""

from runners import workers
from runners.capabilities import refuse
from runners.flags import Flags, Setting

__all__ = ["settings"]

# The job server's Flink; a cluster must have the same minor version.
_VERSION = "1.19"

_IN_THE_JVM = ("[local]", "[auto]")


def settings(flags: Flags, *, cpus: int) -> list[Setting]:
    """Returns what a drain on Flink needs beside the user's flags and a job server.

    Args:
        flags: the user's.
        cpus: cores of this machine, the parallelism of a mini cluster.

    Raises:
        RunnerRefusedError: a flag asks for what this preset can't give.
    """
    chosen = [Setting("runner", "FlinkRunner"), *_job_server_settings(flags)]
    master = flags.get("flink_master")
    if master is None:
        master = "[local]"
        chosen.append(Setting("flink_master", master))
    local = master in _IN_THE_JVM
    parallelism = flags.get("parallelism") or str(cpus)
    if local and "parallelism" not in flags:
        chosen.append(Setting("parallelism", parallelism))
    return [*chosen, *workers.settings(flags, local=local, workers=parallelism)]


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
