"""The processes of a worker pool: started, started again when they die too early, and ended."""

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Workers"]

_LOG = logging.getLogger(__name__)

# A worker that dies before it has reported is waited for without end, so it is started again. One
# that had reported needs no successor: its runner notices, closes its services within a moment,
# and asks for another. The pause tells the two apart.
_PAUSE_S = 2.0
_TRIES = 5

# A worker whose runner is gone ends by itself, unless it is frozen or hangs in a call.
_GRACE_S = 10.0

_TERM_GRACE_S = 3.0


@dataclass(kw_only=True)
class _Worker:
    """A worker that a runner asked for.

    Attributes:
        id: the runner's name for it.
        command: what starts it.
        control: the runner's address that it reports to.
        process: its latest process.
        tries: how many processes it has had.
        since: when it was first seen dead, or without a runner; None while all is well.
    """

    id: str
    command: Sequence[str]
    control: str
    process: subprocess.Popen[bytes]
    tries: int = 1
    since: float | None = field(default=None)

    def seen(self, now: float) -> float:
        """Returns for how many seconds something has been wrong with it."""
        self.since = now if self.since is None else self.since
        return now - self.since


class Workers:
    """The workers of one pool; safe for several threads.

    Args:
        clock: seconds, monotonic.
        reachable: tells whether an address accepts connections.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        reachable: Callable[[str], bool] | None = None,
    ) -> None:
        self._clock = clock
        self._reachable = reachable or _accepts
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, worker: str, command: Sequence[str], *, control: str) -> None:
        """Starts a worker.

        Args:
            worker: its id.
            command: what starts it.
            control: the runner's address, HOST:PORT, which accepts for as long as it is needed.
        """
        process = _started(worker, command)
        with self._lock:
            self._workers.append(
                _Worker(id=worker, command=command, control=control, process=process)
            )

    def look(self) -> None:
        """Starts again what died too early, and ends what hangs without a runner."""
        with self._lock:
            self._workers = [worker for worker in self._workers if self._goes_on(worker)]

    def end(self) -> None:
        """Ends all workers."""
        with self._lock:
            processes = [worker.process for worker in self._workers]
            self._workers = []
        for process in processes:
            process.terminate()
        deadline = self._clock() + _TERM_GRACE_S
        for process in processes:
            try:
                process.wait(max(0.0, deadline - self._clock()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _goes_on(self, worker: _Worker) -> bool:
        """Looks after one worker; tells whether it is to be looked after again."""
        code = worker.process.poll()
        wanted = code != 0 and self._reachable(worker.control)
        if code is None:
            if wanted:
                worker.since = None
            elif worker.seen(self._clock()) > _GRACE_S:
                _LOG.warning("Worker %s hangs, and its runner is gone: killed", worker.id)
                worker.process.kill()
            return True
        if not wanted or worker.tries == _TRIES:
            _LOG.info("Worker %s ended with %s", worker.id, code)
            return False
        if worker.seen(self._clock()) >= _PAUSE_S:
            _LOG.warning("Worker %s ended with %s and is wanted: started again", worker.id, code)
            worker.process = _started(worker.id, worker.command)
            worker.tries += 1
            worker.since = None
        return True


def _started(worker: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
    # Its output goes where the pool's goes: a pipe that nobody reads would stop it when full.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    _LOG.info("Worker %s started as process %s", worker, process.pid)
    return process


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True
