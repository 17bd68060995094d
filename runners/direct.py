"""The direct preset: Beam's FnApiRunner in this process, or in several."""

from runners.capabilities import refuse
from runners.flags import Flags, Setting

__all__ = ["settings"]

_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
_IN_PROCESSES = "runners.processes.FnApiRunnerInProcesses"


def settings(flags: Flags) -> list[Setting]:
    """Returns what a drain on the FnApiRunner needs beside the user's flags.

    Raises:
        RunnerRefusedError: several workers were asked for, in a mode that doesn't run them at once.
    """
    mode = flags.get("direct_running_mode")
    # Zero means one worker for each core.
    several = flags.get("direct_num_workers") not in (None, "1")
    if several and mode in ("in_memory", "multi_threading"):
        refuse(f"--direct_running_mode={mode} with several workers")
    if not several and mode != "multi_processing":
        return [Setting("runner", _RUNNER)]
    chosen = [Setting("runner", _IN_PROCESSES)]
    return chosen if mode else [*chosen, Setting("direct_running_mode", "multi_processing")]
