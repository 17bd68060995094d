"""Where the Python workers of Flink and Spark run."""

import shutil
import sys
from pathlib import Path

from runners.capabilities import refuse
from runners.flags import Flags, Setting

__all__ = ["settings"]

_EXPERIMENT = "use_loopback_process_worker"


def settings(flags: Flags, *, local: bool, workers: str) -> list[Setting]:
    """Returns the settings of the workers' environment.

    Args:
        flags: the user's.
        local: whether the runner's master lives in the job server's own JVM.
        workers: how many tasks the master runs at once.

    Raises:
        RunnerRefusedError: the runner couldn't reach or start workers of that kind.
    """
    kind = flags.get("environment_type")
    if not local:
        if kind is None:
            refuse("a remote master without --environment_type")
        if kind == "LOOPBACK":
            refuse("--environment_type=LOOPBACK with a remote master")
        return []
    chosen = [] if kind else [Setting("environment_type", "LOOPBACK")]
    if kind in (None, "LOOPBACK") and _in_processes(flags):
        if not _python_is_ours():
            refuse(f"--experiments={_EXPERIMENT}")
        if "sdk_worker_parallelism" not in flags:
            chosen.append(Setting("sdk_worker_parallelism", workers))
    return chosen


def _in_processes(flags: Flags) -> bool:
    return any(name.partition("=")[0] == _EXPERIMENT for name in flags.all("experiments"))


def _python_is_ours() -> bool:
    """Tells whether the bare word ``python`` starts this environment's interpreter."""
    found = shutil.which("python")
    return found is not None and Path(found).parent == Path(sys.executable).parent
