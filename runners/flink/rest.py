"""A client of a Flink cluster's REST interface: what runs there, its checkpoints, and its end."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from runners.errors import FlinkClusterError

__all__ = ["ENDED", "Checkpoint", "Checkpoints", "Cluster", "Job", "Overview"]

# A cluster answers in milliseconds; a JobManager that is busy starting a job has taken 8 s.
_TIMEOUT_S: Final = 20

# A savepoint waits for the calls of the reading stage (seconds) and writes the windows' state.
_SAVEPOINT_TIMEOUT_S: Final = 180

_POLL_S: Final = 0.25

#: States that a job doesn't leave again.
ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The cluster as a whole.

    Attributes:
        version: of Flink, as in ``1.19.0``.
        task_managers: how many are registered.
        slots: of all of them.
    """

    version: str
    task_managers: int
    slots: int

    @property
    def minor(self) -> str:
        """The minor version, as in ``1.19``."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that the cluster knows.

    Attributes:
        id: 32 hexadecimal digits.
        name: as in ``--job_name``.
        state: Flink's own word, such as ``RUNNING``, ``RESTARTING`` or ``FINISHED``.
        started_ms: since the epoch.
        ended_ms: since the epoch, -1 if it hasn't.
    """

    id: str
    name: str
    state: str
    started_ms: int
    ended_ms: int

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self.state in ENDED


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A completed checkpoint or savepoint.

    Attributes:
        path: from which a job can start.
        begun_ms: since the epoch.
        duration_ms: from trigger to the last acknowledgement.
        size_bytes: what it wrote.
        discarded: whether its files are gone.
    """

    path: str
    begun_ms: int
    duration_ms: int
    size_bytes: int
    discarded: bool

    def age_s(self, now_s: float) -> float:
        """Returns the seconds from its end to ``now_s``, which are since the epoch."""
        return now_s - (self.begun_ms + self.duration_ms) / 1000


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """The checkpoints of one job.

    Attributes:
        completed: how many were, savepoints included.
        last: the newest checkpoint that is no savepoint.
        last_savepoint: the newest savepoint.
        restored_from: the path that the job started or went on from last.
    """

    completed: int
    last: Checkpoint | None
    last_savepoint: Checkpoint | None
    restored_from: str | None


class Cluster:
    """A Flink cluster, by its REST address.

    Args:
        address: ``HOST:PORT`` as in ``--flink_master``, with ``http://`` or ``https://`` or not.

    All methods raise `FlinkClusterError` if the cluster can't be reached, or refuses.
    """

    def __init__(self, address: str) -> None:
        self.url = (address if "//" in address else f"http://{address}").rstrip("/")

    @property
    def host(self) -> str:
        """The host's name or address."""
        return urlsplit(self.url).hostname or ""

    def overview(self) -> Overview:
        """Returns the version and the slots."""
        answer = self._get("/overview")
        return Overview(
            version=answer["flink-version"],
            task_managers=answer["taskmanagers"],
            slots=answer["slots-total"],
        )

    def class_path(self) -> frozenset[str]:
        """Returns the names of the files on the JobManager's class path."""
        files = self._get("/jobmanager/environment")["classpath"]
        return frozenset(PurePath(file).name for file in files)

    def task_managers(self) -> dict[str, tuple[str, int]]:
        """Returns host and data port by id of each registered TaskManager that has told its slots.

        It tells them a moment after it has registered. One that was killed stays registered until
        its heartbeat is missed.
        """
        found = self._get("/taskmanagers")["taskmanagers"]
        return {
            each["id"]: (_host(each["path"]), each["dataPort"])
            for each in found
            if each["slotsNumber"]
        }

    def jobs(self) -> list[Job]:
        """Returns the jobs that the cluster knows, the newest first; old ones are forgotten."""
        jobs = [
            Job(
                id=each["jid"],
                name=each["name"],
                state=each["state"],
                started_ms=each["start-time"],
                ended_ms=each["end-time"],
            )
            for each in self._get("/jobs/overview")["jobs"]
        ]
        return sorted(jobs, key=lambda job: job.started_ms, reverse=True)

    def slots_in_use(self) -> int:
        """Returns how many slots the jobs need that haven't ended."""
        return sum(self._width(job.id) for job in self.jobs() if not job.ended)

    def _width(self, job_id: str) -> int:
        # A slot runs one task of each step, so a job needs as many as its widest step has tasks.
        vertices = self._get(f"/jobs/{job_id}")["vertices"]
        return max((vertex["parallelism"] for vertex in vertices), default=0)

    def state(self, job_id: str) -> str:
        """Returns the state of a job."""
        return str(self._get(f"/jobs/{job_id}")["state"])

    def checkpoints(self, job_id: str) -> Checkpoints:
        """Returns the checkpoints of a job."""
        answer = self._get(f"/jobs/{job_id}/checkpoints")
        latest = answer["latest"]
        restored = latest["restored"]
        return Checkpoints(
            completed=answer["counts"]["completed"],
            last=_checkpoint(latest["completed"]),
            last_savepoint=_checkpoint(latest["savepoint"]),
            restored_from=restored and restored["external_path"],
        )

    def cancel(self, job_id: str) -> None:
        """Asks for the end of a job; doesn't wait for it."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def stop(self, job_id: str) -> str:
        """Ends a job with a savepoint, and returns the savepoint's path.

        Raises:
            FlinkClusterError: no savepoint came about; the job runs on.
        """
        return self._savepoint(job_id, "stop", {"drain": False})

    def savepoint(self, job_id: str) -> str:
        """Makes a savepoint of a job, which runs on, and returns its path.

        Raises:
            FlinkClusterError: no savepoint came about.
        """
        return self._savepoint(job_id, "savepoints", {"cancel-job": False})

    def wait_for(self, job_id: str, wanted: Collection[str], timeout_s: float) -> str:
        """Waits until a job's state is one of ``wanted`` and returns it.

        Raises:
            FlinkClusterError: it isn't within ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while (state := self.state(job_id)) not in wanted:
            if time.monotonic() > deadline:
                raise self._error(f"job {job_id} is {state} after {timeout_s:.0f} s")
            time.sleep(_POLL_S)
        return state

    def _savepoint(self, job_id: str, verb: str, wish: dict[str, bool]) -> str:
        trigger = self._call("POST", f"/jobs/{job_id}/{verb}", wish)["request-id"]
        deadline = time.monotonic() + _SAVEPOINT_TIMEOUT_S
        while True:
            answer = self._get(f"/jobs/{job_id}/savepoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                break
            if time.monotonic() > deadline:
                raise self._error(
                    f"a savepoint of job {job_id} takes over {_SAVEPOINT_TIMEOUT_S} s"
                )
            time.sleep(_POLL_S)
        operation = answer["operation"]
        if "location" not in operation:
            cause = _cause(operation["failure-cause"]["stack-trace"])
            raise self._error(f"no savepoint of job {job_id}: {cause}")
        return str(operation["location"])

    def _get(self, path: str) -> Any:
        return self._call("GET", path)

    def _call(self, method: Literal["GET", "POST", "PATCH"], path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise self._error(f"{method} {path} answered {error.code}: {_told(error)}") from None
        except (OSError, ValueError) as error:
            raise self._error(f"it gives no answer ({_reason(error)})") from error

    def _error(self, reason: str) -> FlinkClusterError:
        return FlinkClusterError(self.url, reason)


def _checkpoint(answer: dict[str, Any] | None) -> Checkpoint | None:
    if answer is None:
        return None
    return Checkpoint(
        path=answer["external_path"],
        begun_ms=answer["trigger_timestamp"],
        duration_ms=answer["end_to_end_duration"],
        size_bytes=answer["checkpointed_size"],
        discarded=answer["discarded"],
    )


def _host(path: str) -> str:
    """Returns the host in an address such as ``pekko.tcp://flink@HOST:PORT/user/rpc/...``."""
    return urlsplit(path).hostname or ""


def _told(error: urllib.error.HTTPError) -> str:
    """Returns the first line of what a refusal says."""
    try:
        errors = json.loads(error.read())["errors"]
    except (OSError, ValueError, KeyError):
        return error.reason
    return _cause("\n".join(map(str, errors)))


def _cause(trace: str) -> str:
    """Returns the innermost cause of a Java stack trace on one line, without its package."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    told = causes[-1] if causes else next(iter(lines), "no reason given")
    name, colon, rest = told.partition(": ")
    return f"{name.rpartition('.')[2]}{colon}{rest}"


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
