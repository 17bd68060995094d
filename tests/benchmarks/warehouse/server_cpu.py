"""CPU seconds of the stand-in for Redshift: its gateway, and PostgreSQL with its backends."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class ServerCpu:
    """CPU seconds since the servers' start.

    Attributes:
        gateway: Of the gateway's own process.
        postgres: Of PostgreSQL's processes, those that have ended too.
    """

    gateway: float
    postgres: float

    def __sub__(self, earlier: "ServerCpu") -> "ServerCpu":
        """What was used since."""
        return ServerCpu(self.gateway - earlier.gateway, self.postgres - earlier.postgres)


def server_cpu(gateway: int) -> ServerCpu:
    """Returns what was used up to now.

    Args:
        gateway: Process number of the gateway, whose only child is PostgreSQL.
    """
    front = psutil.Process(gateway)
    (postmaster,) = front.children()
    while (used := _postgres(postmaster)) is None:
        continue
    return ServerCpu(_own(front), used)


def _postgres(postmaster: psutil.Process) -> float | None:
    """Sums up; None if a backend came or went meanwhile.

    A session's backend ends with it, and its time is then the postmaster's: counted nowhere or
    twice if it ended between two looks.
    """
    backends = postmaster.children()
    try:
        used = sum(map(_own, backends))
    except psutil.NoSuchProcess:
        return None
    times = postmaster.cpu_times()
    reaped = times.children_user + times.children_system
    return used + _own(postmaster) + reaped if postmaster.children() == backends else None


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
