"""Ends a worker process when the run that it works for has ended, however that ended.

Beam starts the workers of the FnApiRunner's ``multi_processing`` mode as plain children. When the
run is killed they go on for as long as they find something to do, and so they do after Ctrl-C,
which makes the run wait for them. Beam imports this module in each worker
(see `runners.processes`) before all else; anywhere else an import does nothing, and `hold` must be
called.

A worker may be killed at any time: whatever it was writing, the next run goes on from there.
"""

import os
import select
import signal
import threading
from pathlib import Path

__all__ = ["hold"]

#: Beam starts a worker through a shell, which on some systems stays as its parent.
_SHELLS = ("sh", "dash", "bash", "ash", "busybox")

#: Beam's address for the workers; set in their environment only.
_WORKER_VARIABLE = "CONTROL_API_SERVICE_DESCRIPTOR"


def hold() -> None:
    """Watches whoever started us in a thread, and lets Ctrl-C end this process at once.

    Where the system can't watch a process (only Linux can), nothing is done.
    """
    if not hasattr(os, "pidfd_open"):
        return
    # Python's own handler raises in the main thread, which then waits for those at work.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = os.pidfd_open(_run())
    threading.Thread(target=_end_after, args=(run,), name="lifeline", daemon=True).start()


def _end_after(run: int) -> None:
    # Not PR_SET_PDEATHSIG: that fires when the *thread* that started us ends.
    select.select([run], [], [])
    os.kill(os.getpid(), signal.SIGKILL)


def _run() -> int:
    """Returns the process that started us, through a shell or not."""
    parent = os.getppid()
    name, above = _name_and_parent(parent)
    return above if name in _SHELLS else parent


def _name_and_parent(pid: int) -> tuple[str, int]:
    # "pid (name) state parent ...", where a name may hold spaces and parentheses.
    before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
    return before.partition("(")[2], int(after.split()[1])


if _WORKER_VARIABLE in os.environ:
    hold()
