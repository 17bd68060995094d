"""The job as a stream on a Flink cluster of processes, and a supervisor that starts it again."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import psutil

from runners import flink
from runners.errors import FlinkClusterError
from runners.flink import Cluster
from runners.local._flink import TaskManager
from tests.chaos.armed_pool import ArmedPool
from tests.chaos.load import TOPICS
from tests.chaos.panes import panes_that_differ
from tests.chaos.plan import (
    AT_POINT,
    CLIENT,
    JOB_MANAGER,
    RESTORED,
    TASK_MANAGER,
    WORKER,
    ZOMBIE,
    Fault,
)
from tests.chaos.site import PARALLELISM, Site
from tests.chaos.strikes import Strike
from tests.chaos.supervisor import Supervisor, below, run_to_the_end
from tests.chaos.watch import StuckError
from tests.launcher import Ended, Run
from tests.oracle import committed_ends

NAME: Final = "chaos"
_BOOT: Final = "runners.boot"
#: The heartbeat's time-out of the local cluster, and some more.
_PAST_THE_HEARTBEAT_S: Final = 22.0
#: Shorter than a load takes on a busy machine: signs to load pile up, and checkpoints, which wait
#: behind their calls, must not expire for that.
_LOAD_INTERVAL_S: Final = 2
#: A stop makes a savepoint, or cancels the job if that fails.
_END_S: Final = 300


class FlinkJob(Supervisor):
    """A stream, submitted by a client that a supervisor starts again when it has ended."""

    def __init__(self, site: Site, before: str = "") -> None:
        super().__init__(site, before)
        #: What the next start goes on from; empty for the fences alone.
        self._state = ""

    @property
    def strikes(self) -> Mapping[str, Strike]:
        """What befalls its own processes, by kind."""
        killed = (CLIENT, WORKER, TASK_MANAGER, JOB_MANAGER)
        return {
            **dict.fromkeys(killed, self._kill_one),
            AT_POINT: self._kill_at_point,
            ZOMBIE: self._freeze,
            RESTORED: self._restore,
        }

    def begin(self) -> None:
        """Commits the references, in peace."""
        ended = self._drained()
        assert ended.code == 0, ended

    def tend(self) -> None:
        """Starts the stream when there is no client; a job that was left alone is ended first."""
        self._take_down()
        if self._run is None and self._site.servers.flink.job_manager.is_alive():
            try:
                self._end_job()
            except FlinkClusterError:
                return  # It is just coming up, or going down: at the next turn.
            self._run = self._start()

    def kill(self, victim: str) -> None:
        """Ends one of its processes."""
        if victim == CLIENT:
            self._kill_client()
        elif victim == WORKER:
            self._worker(0).kill()
        elif victim == TASK_MANAGER:
            self._busy(0).kill()
        else:
            assert victim == JOB_MANAGER, victim
            self._site.servers.flink.job_manager.kill()

    def mend(self, victim: str) -> None:
        """Starts again what of the cluster was killed."""
        if victim == TASK_MANAGER:
            for each in self._site.servers.flink.task_managers:
                if not each.is_alive():
                    each.restart()
        elif victim == JOB_MANAGER:
            self._site.servers.flink.job_manager.restart()
            for each in self._site.servers.flink.task_managers:
                each.wait_ready()
            self._state = self._site.servers.flink.latest_checkpoint() or ""
            # It asks for a job that nobody knows any more.
            self._kill_client()

    def finish(self) -> list[str]:
        """Stops the stream in order when all is committed and published, then loads the rest."""
        self.watch.until(self._is_committed, "end of the lake")
        problems = self._panes_that_differ()
        assert self._run is not None
        self._run.signal(signal.SIGTERM)
        self._run.wait(_END_S)
        self._end_job()
        run_to_the_end(self._drained)
        return problems

    def _is_committed(self) -> bool:
        servers, fences = self._site.brokers.bootstrap_servers, self.watch.fences()
        return all(
            fences.get((topic, partition)) == end
            for topic in TOPICS
            for partition, end in committed_ends(servers, topic).items()
        )

    def _panes_that_differ(self) -> list[str]:
        """Waits until the panes are the lake's totals; returns where they never were."""
        try:
            self.watch.until(lambda: not list(panes_that_differ(self._site)), "equal panes")
        except StuckError:
            return list(panes_that_differ(self._site))
        return []

    @property
    def _cluster(self) -> Cluster:
        return self._site.servers.flink.cluster

    @property
    def _pool(self) -> ArmedPool:
        pool = self._site.servers.flink.workers
        assert isinstance(pool, ArmedPool)
        return pool

    def _drained(self) -> Ended:
        # Without the live figures: those of the stream are looked at.
        return self._site.lake.drain("--set=kpi.topic=null", *self._site.redshift_flags)

    def _end_job(self) -> None:
        flink.stop(self._cluster, NAME, savepoint=False)

    def _start(self) -> Run:
        servers = self._site.servers
        flags = [
            "--mode=stream",
            "--runner=FlinkRunner",
            f"--flink_master={servers.flink.address}",
            f"--job_name={NAME}",
            f"--parallelism={PARALLELISM}",
            "--environment_type=EXTERNAL",
            f"--environment_config={self._pool.address}",
            "--checkpointing_interval=2000",
            f"--load_interval={_LOAD_INTERVAL_S}",
            f"--s3_endpoint_url={self._site.proxy.endpoint_url}",
            *self._site.redshift_flags,
        ]
        if self._state:
            flags.append(f"--savepoint_path={self._state}")
        self._state = ""
        lake = replace(self._site.lake, environ=servers.flink.environ())
        return lake.start(*flags, before=self._before)

    def _kill_client(self) -> None:
        if self._run is not None:
            self.codes[self._run.kill().code] += 1
            self._run = None

    def _workers(self) -> list[psutil.Process]:
        """The Python workers of the stream that runs."""
        return below(self._pool.pid, lambda command: _BOOT in command)

    def _worker(self, draw: int) -> psutil.Process:
        workers = self.watch.until(self._workers, "Python worker")
        return workers[draw % len(workers)]

    def _busy(self, draw: int) -> TaskManager:
        """A TaskManager that has a worker."""
        return self.watch.until(lambda: self._owner(self._worker(draw)), "busy TaskManager")

    def _owner(self, worker: psutil.Process) -> TaskManager | None:
        """The TaskManager that a worker works for."""
        try:
            (control,) = (a for a in worker.cmdline() if a.startswith("--control_endpoint="))
        except (psutil.NoSuchProcess, ValueError):
            return None
        port = int(control.rpartition(":")[2])
        return next(
            (each for each in self._site.servers.flink.task_managers if _listens(each, port)), None
        )

    @contextmanager
    def _kill_one(self, fault: Fault) -> Iterator[float]:
        struck = time.monotonic()
        if fault.kind == WORKER:
            self._worker(fault.draw).kill()
        elif fault.kind == TASK_MANAGER:
            self._busy(fault.draw).kill()
        else:
            self.kill(fault.kind)
        if fault.kind in (TASK_MANAGER, JOB_MANAGER):
            self.watch.pause(fault.lasts_s)
        self.mend(fault.kind)
        yield struck

    @contextmanager
    def _kill_at_point(self, fault: Fault) -> Iterator[float]:
        """Kills a worker, so that another is started, which dies at the point."""
        self._pool.arm(fault.point)
        self._worker(fault.draw).kill()
        armed = self.watch.until(self._pool.armed, "new worker")
        self.watch.until(lambda: _has_ended(armed), f"kill at {fault.point}")
        yield time.monotonic()

    @contextmanager
    def _freeze(self, fault: Fault) -> Iterator[float]:
        """Freezes a TaskManager and its worker; both wake when others have taken over."""
        worker = self._worker(fault.draw)
        owner = self.watch.until(lambda: self._owner(worker), "TaskManager of a worker")
        struck = time.monotonic()
        worker.suspend()
        owner.freeze()
        try:
            self.watch.pause(_PAST_THE_HEARTBEAT_S)
            yield struck
        finally:
            owner.thaw()
            if worker.is_running():
                worker.resume()

    def _savepoint(self) -> str | None:
        """Makes a savepoint; None where none came about, as while the job is restarting."""
        try:
            job = flink.active(self._cluster, NAME)
            return self._cluster.savepoint(job.id) if job else None
        except FlinkClusterError:
            return None

    @contextmanager
    def _restore(self, fault: Fault) -> Iterator[float]:
        """Goes back to a savepoint after which more was committed and loaded."""
        savepoint = self.watch.until(self._savepoint, "savepoint")
        self.watch.until_progress()
        struck = time.monotonic()
        self._kill_client()
        self._end_job()
        self._state = savepoint
        yield struck


def _listens(service: TaskManager, port: int) -> bool:
    if service.pid is None:
        return False
    connections = psutil.Process(service.pid).net_connections("inet")
    return any(c.laddr.port == port for c in connections if c.status == psutil.CONN_LISTEN)


def _has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
