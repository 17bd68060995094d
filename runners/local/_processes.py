"""Processes that outlive us if they should, and never without being on record.

A process is known by its pid *and* its start time: pids are reused, and a state file may be days
old. Everything here takes that pair, so nothing but what we started is ever signaled.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

import runners

# psutil derives start times from the boot time, which moves when the clock is set: two readings of
# one process may differ a little. A pid is not reused within a second.
_SAME_START_S = 1.0

# A killed process ends at once, but for a write to a slow disk that is under way.
_KILL_TIMEOUT_S = 10

# The shell waits for a line before it becomes the program. If we die before the pid is on record,
# the pipe closes and it ends instead: there is no moment at which an unrecorded server exists.
_GATE = 'read -r _ && exec "$@" </dev/null'


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """Names one process for good.

    Attributes:
        pid: its number.
        created: its start, in seconds since the epoch.
    """

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Returns the name of the process that has this pid now."""
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Returns the process if it is still this one and hasn't ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def is_alive(self) -> bool:
        """Tells whether the process is still this one and hasn't ended (frozen counts)."""
        return self.find() is not None


def launch(
    argv: Sequence[str | Path],
    *,
    log: Path,
    record: Callable[[ProcessId], None],
    environ: Mapping[str, str] | None = None,
) -> ProcessId:
    """Starts a program in a session of its own, after ``record`` has stored its name.

    Args:
        argv: absolute path of the program, and its arguments.
        log: file to which its output is appended.
        record: called before the program begins; if it raises, the program never does.
        environ: variables added to ours.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    gate, opener = os.pipe()
    try:
        # Not subprocess.Popen: its object would complain that the program outlives it.
        pid = os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", "-c", _GATE, "launch", *map(str, argv)],
            {**os.environ, **(environ or {})},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, gate, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        process = ProcessId.of(pid)
        record(process)
        os.write(opener, b"\n")
    finally:
        os.close(gate)
        os.close(opener)
    return process


def python_path() -> str:
    """Returns a PYTHONPATH by which a child finds this package, wherever it works."""
    here = str(Path(runners.__file__).parent.parent)
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def stop(processes: Iterable[ProcessId], *, grace: float) -> None:
    """Ends processes and all below them: SIGTERM, and after ``grace`` seconds SIGKILL."""
    members = [member for process in processes for member in _tree(process)]
    if grace > 0:
        _signal(members, signal.SIGTERM)
        # A frozen process gets its SIGTERM only when it runs again.
        _signal(members, signal.SIGCONT)
        if wait_until(lambda: _all_ended(members), timeout=grace):
            return
    _signal(members, signal.SIGKILL)
    wait_until(lambda: _all_ended(members), timeout=_KILL_TIMEOUT_S, interval=0.005)


def freeze(process: ProcessId) -> None:
    """Stops a process where it stands (SIGSTOP); its sockets stay open.

    Guarantees:
        It has stopped when this returns, unless it ended.
    """
    tree = _tree(process)
    _signal(tree, signal.SIGSTOP)
    # The signal is delivered a moment later, which a test would see.
    wait_until(lambda: all(map(_is_still, tree)), timeout=10, interval=0.005)


def thaw(process: ProcessId) -> None:
    """Lets a frozen process go on."""
    _signal(_tree(process), signal.SIGCONT)


def wait_until(condition: Callable[[], bool], *, timeout: float, interval: float = 0.05) -> bool:
    """Asks until ``condition`` holds; tells whether it did within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True


def _tree(process: ProcessId) -> list[psutil.Process]:
    root = process.find()
    if root is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return [root]


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _all_ended(processes: Iterable[psutil.Process]) -> bool:
    # Each is asked, since asking takes the exit status of our own children.
    return not [process for process in processes if not _has_ended(process)]


def _has_ended(process: psutil.Process) -> bool:
    """Tells whether a process has ended; takes its exit status if it was ours to take.

    One that ended but wasn't taken by its parent (in containers often nobody does) has ended:
    its ports are free. psutil's own waiting would go on until it is gone.
    """
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        # A killed JVM is a zombie while its other threads, not yet dead, still hold its ports.
        return process.status() == psutil.STATUS_ZOMBIE and int(process.num_threads()) <= 1
    except psutil.NoSuchProcess:
        return True


def _is_still(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
