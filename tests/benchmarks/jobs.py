"""The main job as a user runs it, measured from outside: wall, CPU and peak memory of processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic


@dataclass(frozen=True)
class Run:
    """One run of the job.

    Attributes:
        wall: Seconds from launch to exit.
        cpu: CPU seconds of the job's processes, start-up included.
        peak_mb: Largest resident size of any one of them.
    """

    wall: float
    cpu: float
    peak_mb: float


def fill_topic(servers: str, topic: str, values: Sequence[bytes], partitions: int) -> None:
    """Creates a topic if need be and appends the values, spread over its partitions."""
    admin = AdminClient({"bootstrap.servers": servers})
    if topic not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 50,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )
    for i, value in enumerate(values):
        producer.produce(topic, value, partition=i % partitions)
        if i % 100_000 == 99_999:
            producer.flush()
    producer.flush()


def write_config(path: Path, topic: str) -> Path:
    """Writes a configuration of one topic of dispense events."""
    path.write_text(yaml.safe_dump({"topics": [{"topic": topic, "dataset": "dispense_event"}]}))
    return path


def run_job(
    env: Mapping[str, str], servers: str, root: str, config: Path, flags: Sequence[str] = ()
) -> Run:
    """Runs the job to its end.

    Raises:
        RuntimeError: It did not end with 0.
    """
    command = [
        sys.executable,
        "-m",
        "beam_pipelines.pharmacy",
        "--mode=drain",
        f"--kafka_bootstrap_servers={servers}",
        f"--lake_root={root}",
        f"--config={config}",
        "--runner=DirectRunner",
        *flags,
    ]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    watch = _Watch(process.pid)
    watch.start()
    _, said = process.communicate()
    wall = time.perf_counter() - began
    watch.join()
    if process.returncode:
        raise RuntimeError(said.decode())
    return Run(wall, watch.cpu, watch.peak / 1e6)


class _Watch(threading.Thread):
    """Samples a process and its children until they are gone."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self._began = time.perf_counter()
        self.peak = 0

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def run(self) -> None:
        while self._sample():
            time.sleep(0.02)

    def _sample(self) -> bool:
        try:
            family = [self._root, *self._root.children(recursive=True)]
            if self._root.status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        for process in family:
            try:
                used = process.cpu_times()
                self._cpu[process.pid] = used.user + used.system
                self.peak = max(self.peak, process.memory_info().rss)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return True
