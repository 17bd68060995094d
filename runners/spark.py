"""The Spark preset: a batch job, inside the job server's JVM or on a standalone cluster."""

import re

from runners import workers
from runners.capabilities import refuse
from runners.flags import Flags, Setting

__all__ = ["settings"]

_IN_THE_JVM = re.compile(r"local(\[.+\])?")

# Both in the job server's JVM, so nothing outside needs to reach the driver.
_LOOPBACK = (
    Setting("job_server_jvm_properties", "-Dspark.driver.host=127.0.0.1"),
    Setting("job_server_jvm_properties", "-Dspark.driver.bindAddress=127.0.0.1"),
)


def settings(flags: Flags, *, cpus: int) -> list[Setting]:
    """Returns what a drain on Spark needs beside the user's flags and a job server.

    Args:
        flags: the user's.
        cpus: cores of this machine, the number of tasks of a local master.

    Raises:
        RunnerRefusedError: a flag asks for what this preset can't give.
    """
    if "spark_job_server_jar" not in flags and "job_endpoint" not in flags:
        for flag in ("spark_submit_uber_jar", "output_executable_path"):
            if flag in flags:
                refuse(f"--{flag}")
    chosen = [Setting("runner", "SparkRunner")]
    master = flags.get("spark_master_url")
    if master is None:
        master = f"local[{cpus}]"
        chosen.append(Setting("spark_master_url", master))
    local = _IN_THE_JVM.fullmatch(master) is not None
    if local and "job_endpoint" not in flags:
        chosen.extend(_LOOPBACK)
    return [*chosen, *workers.settings(flags, local=local, workers=_tasks(master, cpus))]


def _tasks(master: str, cpus: int) -> str:
    """Returns how many tasks a local master runs at once."""
    count = re.match(r"local\[(\d+)", master)
    return count.group(1) if count else str(1 if master == "local" else cpus)
