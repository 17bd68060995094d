"""Runs one Java job server for as long as the process that asked for it lives.

Beam starts a job server as a plain child: when Beam's process is killed, the JVM stays for good,
with its mini cluster and its ports. This script stands between the two. It is launched by path,
so it imports nothing but the standard library.

Usage: ``python _supervisor.py LOG_FILE JAVA ARGUMENT...``
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

# Polled, since Linux's PR_SET_PDEATHSIG fires when the starting *thread* ends, not its process.
_POLL_S = 0.5

# Beam sends a signal a second, five times, before it kills us: the JVM must be gone by then.
_GRACE_S = 3.0

# A log is of use for as long as its run is remembered.
_LOGS_KEPT = 20


def main(argv: Sequence[str]) -> int:
    """Runs ``argv[1:]`` with its output in the file ``argv[0]``; returns its exit code."""
    log = Path(argv[0])
    parent = os.getppid()
    # Ctrl-C at a terminal is for our parent: a stream is stopped with its job server's help. When
    # the parent wants us to end, it says so to us alone.
    if os.getpgrp() != os.getpid():
        os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise)
    log.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(log)
    with log.open("ab") as file:
        server = subprocess.Popen(
            argv[1:], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            code = _watch(server, parent)
        finally:
            _stop(server)
    if code:
        sys.stderr.write(f"The job server ended with {code}; its log is {log}\n")
    return code


def _watch(server: subprocess.Popen[bytes], parent: int) -> int:
    """Returns the server's exit code, or 0 once our parent is gone."""
    while os.getppid() == parent:
        try:
            return server.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
    return 0


def _stop(server: subprocess.Popen[bytes]) -> None:
    # From here on a second signal must not keep us from the kill.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    server.terminate()
    try:
        server.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _forget_old(log: Path) -> None:
    logs = sorted(log.parent.glob("*.log"), key=_age, reverse=True)
    for old in logs[_LOGS_KEPT:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another supervisor was faster
        return 0.0


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
