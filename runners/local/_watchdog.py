"""Ends a state folder's servers when the process that owns them has died, however it died.

Run as ``python -m runners.local._watchdog FOLDER PID CREATED``. Not PR_SET_PDEATHSIG: that fires
when the *thread* that started a server ends, and only Linux has it.
"""

import os
import sys
import time
from pathlib import Path

from runners.local._processes import ProcessId

NAME = "watchdog"

_INTERVAL_S = 0.25


def command(folder: Path) -> list[str | Path]:
    """Returns the command line of a watchdog over ``folder`` for the calling process."""
    me = ProcessId.of(os.getpid())
    # repr gives all digits of a float.
    return [sys.executable, "-m", __name__, folder, str(me.pid), repr(me.created)]


def watch(folder: Path, owner: ProcessId) -> None:
    """Returns once the owner has ended and so have the servers on record."""
    while owner.is_alive():
        time.sleep(_INTERVAL_S)
    # Here, not above: that module starts watchdogs.
    from runners.local._services import Services

    for service in Services.of(folder).all:
        service.kill()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), ProcessId(pid=int(sys.argv[2]), created=float(sys.argv[3])))
