"""The job as drains on the DirectRunner, one after the other, as a scheduler starts them."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psutil

from tests.chaos.plan import AT_POINT, CLIENT, WORKER, ZOMBIE, Fault
from tests.chaos.site import Site
from tests.chaos.strikes import Strike
from tests.chaos.supervisor import Supervisor, below, run_to_the_end
from tests.launcher import Run

_TWO_WORKERS: Final = "--direct_num_workers=2"
_WORKER_MODULE: Final = "apache_beam.runners.worker.sdk_worker_main"


class DirectJob(Supervisor):
    """Drains, each started when the one before has ended, however it ended."""

    def __init__(self, site: Site, before: str = "") -> None:
        super().__init__(site, before)
        self._crash = ""
        self._flags: list[str] = []

    @property
    def strikes(self) -> Mapping[str, Strike]:
        """What befalls its own processes, by kind."""
        return {
            CLIENT: self._kill_client,
            AT_POINT: self._kill_at_point,
            WORKER: self._kill_worker,
            ZOMBIE: self._freeze,
        }

    def begin(self) -> None:
        """Commits the references, in peace."""
        ended = self._start().wait()
        assert ended.code == 0, ended

    def tend(self) -> None:
        """Starts the next run when there is none."""
        self._take_down()
        if self._run is None:
            self._run = self._start()

    def kill(self, victim: str) -> None:
        """Ends the run under way."""
        assert victim == CLIENT, victim
        self.codes[self._now.kill().code] += 1
        self._run = None

    def mend(self, victim: str) -> None:
        """Does nothing: the scheduler starts the next run."""

    def finish(self) -> list[str]:
        """Lets runs come until one has nothing left to do."""
        if self._run is not None:
            self._run.wait()
        run_to_the_end(lambda: self._start().wait())
        return []

    @property
    def _now(self) -> Run:
        """The run under way, a new one if need be."""
        self.tend()
        assert self._run is not None
        return self._run

    def _start(self) -> Run:
        flags = [*self._site.redshift_flags, *self._flags]
        return self._site.lake.start(*flags, crash=self._crash, before=self._before)

    @contextmanager
    def _kill_client(self, fault: Fault) -> Iterator[float]:
        self.kill(CLIENT)
        yield time.monotonic()

    @contextmanager
    def _kill_at_point(self, fault: Fault) -> Iterator[float]:
        killed = self.codes[-signal.SIGKILL]
        self._crash = fault.point
        try:
            self.watch.until(lambda: self.codes[-signal.SIGKILL] > killed, f"kill at {fault.point}")
        finally:
            self._crash = ""
        yield time.monotonic()

    @contextmanager
    def _kill_worker(self, fault: Fault) -> Iterator[float]:
        self._flags = [_TWO_WORKERS]
        try:
            self.watch.until(self._workers, "Python worker")
            self.watch.pause(fault.lasts_s)
            workers = self.watch.until(self._workers, "Python worker")
        finally:
            self._flags = []
        workers[fault.draw % len(workers)].kill()
        yield time.monotonic()

    def _workers(self) -> list[psutil.Process]:
        """The Python workers of the run under way."""
        return below(self._now.pid, lambda command: command[-1:] == [_WORKER_MODULE])

    @contextmanager
    def _freeze(self, fault: Fault) -> Iterator[float]:
        """Freezes a run; another does the work beside it, and then it wakes."""
        zombie = self._frozen(fault)
        self._run = None
        struck = time.monotonic()
        try:
            self.watch.pause(fault.lasts_s)
            yield struck
        finally:
            zombie.wake()
        self.watch.until(zombie.has_ended, "end of the zombie")
        self.codes[zombie.wait().code] += 1

    def _frozen(self, fault: Fault) -> Run:
        """Returns a run that has stopped, at a crash point or where it happened to be."""
        if fault.point:
            self._crash = fault.point
        else:
            self._now.signal(signal.SIGSTOP)
        try:
            self.watch.until(lambda: self._now.is_frozen(), "frozen run")
        finally:
            self._crash = ""
        return self._now
