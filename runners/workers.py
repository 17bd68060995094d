"""Where the Python workers of Flink and Spark run."""

import shutil
import sys
from pathlib import Path

from runners.capabilities import REFUSALS, refuse
from runners.flags import Flags, Setting

__all__ = ["settings"]

_EXPERIMENT = "use_loopback_process_worker"

# Each tells where workers of that environment come from.
_PLACES = ("environment_config", "environment_options", "sdk_container_image")


def settings(flags: Flags, *, local: bool, workers: str | None) -> list[Setting]:
    """Returns the settings of the workers' environment.

    Args:
        flags: the user's.
        local: whether what runs the tasks can reach workers of this process.
        workers: how many tasks the job server's own JVM runs at once, None if it runs none.

    Raises:
        RunnerRefusedError: the runner couldn't reach or start workers of that kind.
    """
    kind = flags.get("environment_type")
    if kind not in (None, "LOOPBACK"):
        return _elsewhere(flags, kind)
    if not local:
        if kind is None:
            refuse("a remote master without --environment_type")
        refuse("--environment_type=LOOPBACK with a remote master")
    chosen = [] if kind else [Setting("environment_type", "LOOPBACK")]
    if _in_processes(flags):
        if not _python_is_ours():
            refuse(f"--experiments={_EXPERIMENT}")
        if workers and "sdk_worker_parallelism" not in flags:
            chosen.append(Setting("sdk_worker_parallelism", workers))
    return chosen


def _elsewhere(flags: Flags, kind: str) -> list[Setting]:
    """Returns the settings of workers that somebody else starts, with the pipeline's options."""
    subject = f"--environment_type={kind} alone"
    if subject in REFUSALS and not any(flag in flags for flag in _PLACES):
        refuse(subject)
    # Java knows no WARNING, and Python both words.
    level = Setting("default_sdk_harness_log_level", "WARN")
    return [] if level.flag in flags else [level]


def _in_processes(flags: Flags) -> bool:
    return any(name.partition("=")[0] == _EXPERIMENT for name in flags.all("experiments"))


def _python_is_ours() -> bool:
    """Tells whether the bare word ``python`` starts this environment's interpreter."""
    found = shutil.which("python")
    return found is not None and Path(found).parent == Path(sys.executable).parent
