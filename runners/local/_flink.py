"""A real Flink cluster: a JobManager, TaskManagers and a pool of Python workers, a process each.

All come from the class path of Beam's job server (see `runners.job_servers`), which holds Flink.
"""

import abc
import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from runners import java, job_servers
from runners.errors import FlinkClusterError
from runners.flink.rest import Cluster
from runners.job_servers import FLINK
from runners.local import _processes
from runners.local._ports import HOST, accepts
from runners.local._service import Service
from runners.local._state import State

__all__ = ["Flink", "FlinkSettings"]

#: The name of the cluster as a whole, and what its processes' names begin with.
GROUP = "flink"

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

# Flink's scripts work these out from one number; without the scripts each must be given. Only
# small elements pass through the JVM: segments stay in the Python workers.
_HEAP_MB = 512
_FRAMEWORK_HEAP_MB = 128
_OFF_HEAP_MB = 64
_MANAGED_MB = 32
_NETWORK_MB = 32
_METASPACE_MB = 256


@dataclass(frozen=True, kw_only=True)
class FlinkSettings:
    """What to run.

    Attributes:
        task_managers: how many, each with one slot and so one Python worker. None for as many as
            the state folder has on record, else 2.
    """

    task_managers: int | None = None

    def __post_init__(self) -> None:
        if self.task_managers is not None and self.task_managers < 1:
            raise ValueError(f"field task_managers must be at least 1, got {self.task_managers}")


class _FlinkProcess(Service):
    """One Java process of the cluster."""

    group = GROUP
    main_class: ClassVar[str]

    def environ(self) -> Mapping[str, str]:
        """Returns nothing: clients need the cluster's address only."""
        return {}

    def _prepare(self) -> None:
        lines = {**_COMMON, **self._properties()}
        (self.folder / "config.yaml").write_text(
            "".join(f"{key}: {value}\n" for key, value in lines.items())
        )

    @abc.abstractmethod
    def _properties(self) -> dict[str, str]:
        """Returns what of the configuration is this process's own."""

    def _command(self) -> list[str | Path]:
        return [
            *_java(),
            f"-Xmx{_HEAP_MB}m",
            f"-XX:MaxMetaspaceSize={_METASPACE_MB}m",
            "-cp",
            job_servers.compose(FLINK, notify=_ignore),
            self.main_class,
            "--configDir",
            self.folder,
        ]


class JobManager(_FlinkProcess):
    """The process that takes jobs, and starts and restarts their tasks."""

    name = "flink-jobmanager"
    main_class = _JOB_MANAGER

    @property
    def address(self) -> str:
        """Host and port of the REST interface."""
        return f"{HOST}:{self._port('rest')}"

    @property
    def rpc_port(self) -> int:
        """The port that TaskManagers report to."""
        return self._port("rpc")

    @property
    def cluster(self) -> Cluster:
        """A client of the REST interface."""
        return Cluster(self.address)

    def environ(self) -> Mapping[str, str]:
        """Returns ``FLINK_MASTER``."""
        return {"FLINK_MASTER": self.address}

    def _port_names(self) -> tuple[str, ...]:
        return ("rest", "rpc")

    def _properties(self) -> dict[str, str]:
        return {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": str(self.rpc_port),
            "jobmanager.bind-host": HOST,
            "rest.address": HOST,
            "rest.bind-address": HOST,
            "rest.port": str(self._port("rest")),
            "state.checkpoints.dir": (self.folder / "checkpoints").as_uri(),
            "state.savepoints.dir": (self.folder / "savepoints").as_uri(),
            "io.tmp.dirs": str(self.folder / "tmp"),
        }

    def _command(self) -> list[str | Path]:
        return [*super()._command(), "--executionMode", "cluster"]

    def _answers(self) -> bool:
        try:
            return bool(self.cluster.overview().version)
        except FlinkClusterError:
            return False


class TaskManager(_FlinkProcess):
    """A process that runs tasks, one at a time, with the help of one Python worker.

    Args:
        state: the record of the state folder.
        job_manager: the one that it reports to.
        number: from 0; part of its name, which stays the same over restarts.
    """

    main_class = _TASK_MANAGER

    def __init__(self, state: State, job_manager: JobManager, number: int) -> None:
        super().__init__(state)
        self._job_manager = job_manager
        self.name = f"{_TASK_MANAGER_NAME}{number}"

    def _port_names(self) -> tuple[str, ...]:
        # It calls the JobManager and is told by it to others, so any port does, and each start must
        # have another: a killed one's address was now and then refused to its successor for ever.
        return ()

    def _properties(self) -> dict[str, str]:
        return {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": str(self._job_manager.rpc_port),
            # By its name a restarted one replaces the one that was killed, at once.
            "taskmanager.resource-id": self.name,
            "taskmanager.host": HOST,
            "taskmanager.bind-host": HOST,
            "taskmanager.numberOfTaskSlots": "1",
            "taskmanager.cpu.cores": "1.0",
            "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK_HEAP_MB}mb",
            "taskmanager.memory.task.heap.size": f"{_HEAP_MB - _FRAMEWORK_HEAP_MB}mb",
            "taskmanager.memory.framework.off-heap.size": f"{_OFF_HEAP_MB}mb",
            "taskmanager.memory.task.off-heap.size": f"{_OFF_HEAP_MB}mb",
            "taskmanager.memory.network.min": f"{_NETWORK_MB}mb",
            "taskmanager.memory.network.max": f"{_NETWORK_MB}mb",
            # A drain groups what became of its partitions, which Flink's batch jobs do by sorting.
            "taskmanager.memory.managed.size": f"{_MANAGED_MB}mb",
            "taskmanager.memory.jvm-metaspace.size": f"{_METASPACE_MB}mb",
            "taskmanager.memory.jvm-overhead.min": f"{_OFF_HEAP_MB}mb",
            "taskmanager.memory.jvm-overhead.max": f"{_OFF_HEAP_MB}mb",
            "io.tmp.dirs": str(self.folder / "tmp"),
        }

    def _answers(self) -> bool:
        try:
            known = self._job_manager.cluster.task_managers().get(self.name)
        except FlinkClusterError:
            return False
        # The record of a killed one stays for seconds; its port is not that of its successor.
        return known is not None and accepts(known[1])


class WorkerPool(Service):
    """The pool that starts Python workers for all TaskManagers; see `runners.pool`.

    Args:
        state: the record of the state folder.
        variables: returns what is added to the workers' environment, when the pool starts.
    """

    name = "flink-workers"
    group = GROUP

    def __init__(self, state: State, variables: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(state)
        self._variables = variables

    @property
    def address(self) -> str:
        """Host and port, as in ``--environment_config``."""
        return f"{HOST}:{self._port('pool')}"

    def environ(self) -> Mapping[str, str]:
        """Returns ``FLINK_WORKERS``."""
        return {"FLINK_WORKERS": self.address}

    def _port_names(self) -> tuple[str, ...]:
        return ("pool",)

    def _prepare(self) -> None:
        return

    def _command(self) -> list[str | Path]:
        return [sys.executable, "-m", "runners.pool", "--port", str(self._port("pool"))]

    def _environ(self) -> Mapping[str, str]:
        return {**self._variables(), "PYTHONPATH": _processes.python_path()}

    def _answers(self) -> bool:
        return accepts(self._port("pool"))


class Flink:
    """The cluster of a state folder.

    Args:
        state: the record of the state folder.
        settings: what to run.
        variables: returns what is added to the workers' environment, when their pool starts: a
            job's own options are no place for addresses and credentials.
    """

    def __init__(
        self,
        state: State,
        settings: FlinkSettings,
        variables: Callable[[], Mapping[str, str]],
    ) -> None:
        self._state = state
        self._settings = settings
        self.job_manager = JobManager(state)
        self.workers = WorkerPool(state, variables)

    @property
    def task_managers(self) -> tuple[TaskManager, ...]:
        """The TaskManagers."""
        count = self._settings.task_managers or _recorded(self._state) or 2
        return tuple(TaskManager(self._state, self.job_manager, number) for number in range(count))

    @property
    def all(self) -> tuple[Service, ...]:
        """The processes, in the order in which they start."""
        return (self.job_manager, self.workers, *self.task_managers)

    @property
    def address(self) -> str:
        """The cluster, as in ``--flink_master``."""
        return self.job_manager.address

    @property
    def cluster(self) -> Cluster:
        """A client of the REST interface."""
        return self.job_manager.cluster

    def environ(self) -> Mapping[str, str]:
        """Returns ``FLINK_MASTER`` and ``FLINK_WORKERS``."""
        return {**self.job_manager.environ(), **self.workers.environ()}

    def latest_checkpoint(self) -> str | None:
        """Returns the newest complete checkpoint on disk, as in ``--savepoint_path``.

        A JobManager that was killed has forgotten its jobs, but not this.
        """
        folder = self.job_manager.folder / "checkpoints"
        complete = folder.glob("*/chk-*/_metadata")
        newest = max(complete, key=_changed, default=None)
        return newest.parent.as_uri() if newest else None


_TASK_MANAGER_NAME = "flink-taskmanager-"

_COMMON: Mapping[str, str] = {
    # A killed process is noticed after two refused heartbeats, a frozen one after the time-out,
    # which a busy machine of two cores must not reach.
    "heartbeat.interval": "2000",
    "heartbeat.timeout": "20000",
    "heartbeat.rpc-failure-threshold": "2",
    # A TaskManager that is up before its JobManager looks for it again so soon, not after 10 s.
    "cluster.registration.error-delay": "500",
    # The class path holds what a job brings. Classes of the job's own would be loaded for each
    # start anew, which takes a minute of two cores, and stay for good (apache/beam issue 25510).
    "classloader.resolve-order": "parent-first",
    "state.checkpoints.num-retained": "2",
    # Whoever looks at a cluster of his own sees what is so now, not what was 10 s ago.
    "metrics.fetcher.update-interval": "2000",
}


def _recorded(state: State) -> int:
    """Returns how many TaskManagers the state folder has on record."""
    return sum(name.startswith(_TASK_MANAGER_NAME) for name in state.entries())


@functools.cache
def _java() -> tuple[str | Path, ...]:
    found = java.find(minimum=job_servers.JAVA, maximum=job_servers.JAVA)
    return (found.executable, *FLINK.jvm)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # Flink has just deleted it
        return 0.0


def _ignore(line: str) -> None:
    """Takes the line that says which job server is composed: here it is no job server."""
