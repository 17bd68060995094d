"""Named places where a test can kill, freeze or fail a process, reached by configuration.

The environment variable ``PHARMABEAM_CRASH_POINT`` holds ``name[:nth[:action]]``: at the ``nth``
visit (from 1) of the point, or at each from there on (``nth+``), the process kills itself
(``kill``, the default), freezes (``stop``) or raises (``raise``). Without the variable a visit
costs one dictionary look-up.

A crash point is a proof's handle: a fault suite that sleeps and hopes tests its own luck.
"""

import os
import signal
import threading
from typing import Any, Final

import numpy as np

VARIABLE: Final = "PHARMABEAM_CRASH_POINT"

#: Each step of the lake's protocol, in the order in which a segment passes them.
POINTS: Final = (
    "read.before_segment",
    "read.after_segment",
    "decode.offset",
    "lake.before_genesis",
    "lake.after_genesis",
    "lake.before_data_file",
    "lake.after_data_file",
    "lake.before_commit",
    "lake.after_commit_sent",
    "lake.after_commit",
    # Each statement that is sent to the warehouse.
    "redshift.before_statement",
    "redshift.after_statement",
)

_visits: dict[str, int] = {}
_lock = threading.Lock()


class CrashPointError(Exception):
    """Raised at a crash point whose action is ``raise``."""


def crash_point(name: str) -> None:
    """Marks a step of the protocol; acts only if the environment names it.

    Args:
        name: One of ``POINTS``.

    Raises:
        CrashPointError: If the configured action is ``raise``.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted or not wanted.startswith(name):
        return
    parts = wanted.split(":")
    if parts[0] != name:
        return
    nth = parts[1] if len(parts) > 1 else "1"
    with _lock:
        visit = _visits[name] = _visits.get(name, 0) + 1
    first = int(nth.rstrip("+"))
    if visit == first or (visit > first and nth.endswith("+")):
        _act(name, parts[2] if len(parts) > 2 else "kill")


def crash_at_offset(name: str, offsets: np.ndarray[Any, Any]) -> None:
    """Marks a step that a message could kill: ``nth`` is the offset, at each visit.

    Raises:
        CrashPointError: If the configured action is ``raise``.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted or not wanted.startswith(f"{name}:"):
        return
    parts = wanted.split(":")
    if int(parts[1]) in offsets:
        _act(name, parts[2] if len(parts) > 2 else "kill")


def _act(name: str, action: str) -> None:
    if action == "raise":
        raise CrashPointError(name)
    if action == "stop":
        # Freezes the whole process, and this thread first: a signal to the process may be taken by
        # another thread, and this one would pass the point before it stops.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
