"""A command measured from outside: wall, CPU and peak memory of all its processes."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

#: Looking through the machine's processes costs CPU that the job lacks: 20 times a second took a
#: tenth of a core.
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Run:
    """One run of a job.

    Attributes:
        events: What it read.
        wall: Seconds from launch to exit.
        cpu: CPU seconds of the job's processes (Python's and Java's alike), start-up included.
        sizes_mb: Resident size of the largest of them, sampled evenly over the run.
        said: Its standard output.
    """

    events: int
    wall: float
    cpu: float
    sizes_mb: Sequence[float]
    said: str

    @property
    def peak_mb(self) -> float:
        """Largest resident size of any one of its processes."""
        return max(self.sizes_mb)

    def peaks_mb(self, parts: int) -> list[float]:
        """Returns the peak of each part of the run, cut into equal times."""
        return [max(part) for part in np.array_split(self.sizes_mb, parts)]


def run(command: Sequence[str], env: Mapping[str, str], events: int) -> Run:
    """Runs a command to its end.

    Raises:
        RuntimeError: It did not end with 0.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=err)
        watch = _Watch(process.pid)
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {err.read()}")
        # Samples miss the last moments; the kernel's sum misses children that nobody waited for.
        cpu = max(watch.cpu, used.ru_utime + used.ru_stime)
        return Run(events, wall, cpu, watch.sizes_mb, out.read())


class _Watch(threading.Thread):
    """Samples a process and its children until it is gone."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self.sizes_mb: list[float] = []

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def run(self) -> None:
        while self._sample():
            time.sleep(_SAMPLE_S)

    def _sample(self) -> bool:
        try:
            family = [self._root, *self._root.children(recursive=True)]
            if self._root.status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        largest = 0
        for process in family:
            try:
                used = process.cpu_times()
                self._cpu[process.pid] = used.user + used.system
                largest = max(largest, process.memory_info().rss)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        self.sizes_mb.append(largest / 1e6)
        return True
