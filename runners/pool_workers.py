"""The processes of a worker pool: started, started again when they die too early, and ended."""

import logging
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Workers"]

_LOG = logging.getLogger(__name__)

# A worker that dies before it has reported is waited for without end, so it is started again. One
# that had reported needs no successor: its runner notices, closes its services within a moment,
# and asks for another. The pause tells the two apart.
_PAUSE_S = 2.0
_TRIES = 5

# A worker whose runner is gone ends by itself, unless it is frozen or hangs in a call. Flink waits
# for a minute before it gives such a worker up, and restarts its job only then.
_GRACE_S = 5.0

_TERM_GRACE_S = 3.0


@dataclass(kw_only=True)
class _Worker:
    """A worker that a runner asked for.

    Attributes:
        id: the runner's name for it.
        command: what starts it.
        services: the runner's addresses that it talks to.
        process: its latest process.
        tries: how many processes it has had.
        since: when it was first seen dead, or without a runner; None while all is well.
        stopped: when it was told to end; None if it wasn't.
    """

    id: str
    command: Sequence[str]
    services: Sequence[str]
    process: subprocess.Popen[bytes]
    tries: int = 1
    since: float | None = None
    stopped: float | None = None

    def seen(self, now: float) -> float:
        """Returns for how many seconds something has been wrong with it."""
        self.since = now if self.since is None else self.since
        return now - self.since


class Workers:
    """The workers of one pool; safe for several threads.

    Args:
        clock: seconds, monotonic.
        reachable: tells whether an address accepts connections.
        ended: is told the number of a process that has ended, at least once.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        reachable: Callable[[str], bool] | None = None,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        self._clock = clock
        self._reachable = reachable or _accepts
        self._ended = ended
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        # How often each id was asked to be stopped whose workers haven't ended.
        self._stops: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, worker: str, command: Sequence[str], services: Sequence[str]) -> None:
        """Starts a worker.

        Args:
            worker: its id.
            command: what starts it.
            services: the runner's addresses, HOST:PORT each, which accept for as long as the
                worker is needed.
        """
        process = _started(worker, command)
        with self._lock:
            self._workers.append(
                _Worker(id=worker, command=command, services=services, process=process)
            )

    def stop(self, worker: str) -> None:
        """Ends a worker, if it is clear which one is meant.

        Several runners may number their workers alike, and one of them asks. Its worker ends by
        itself, unless it hangs; once all of them have asked, all of that id are ended.

        Args:
            worker: its id.
        """
        with self._lock:
            self._stops[worker] += 1
            meant = [each for each in self._workers if each.id == worker]
            if self._stops[worker] < len(meant):
                return
            for each in meant:
                each.stopped = self._clock()
                each.process.terminate()

    def look(self) -> None:
        """Starts again what died too early, and ends what hangs without a runner."""
        with self._lock:
            looked_after = [(worker, self._goes_on(worker)) for worker in self._workers]
            self._workers = [worker for worker, goes_on in looked_after if goes_on]
            self._stops -= Counter(worker.id for worker, goes_on in looked_after if not goes_on)

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
        if code is None:
            self._mind(worker)
            return True
        if self._ended is not None:
            self._ended(worker.process.pid)
        wanted = code != 0 and worker.stopped is None and self._needed(worker)
        if not wanted or worker.tries == _TRIES:
            _LOG.info("Worker %s ended with %s", worker.id, code)
            return False
        if worker.seen(self._clock()) >= _PAUSE_S:
            _LOG.warning("Worker %s ended with %s and is wanted: started again", worker.id, code)
            worker.process = _started(worker.id, worker.command)
            worker.tries += 1
            worker.since = None
        return True

    def _needed(self, worker: _Worker) -> bool:
        # A runner that closes down closes one service after the other.
        return all(map(self._reachable, worker.services))

    def _mind(self, worker: _Worker) -> None:
        """Kills a worker that hangs: it was told to end, or its runner is gone."""
        now = self._clock()
        if worker.stopped is not None:
            hangs = now - worker.stopped > _TERM_GRACE_S
        elif self._needed(worker):
            worker.since, hangs = None, False
        else:
            hangs = worker.seen(now) > _GRACE_S
        if hangs:
            _LOG.warning("Worker %s hangs, and nobody needs it: killed", worker.id)
            worker.process.kill()


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
