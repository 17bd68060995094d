"""The servers and the cluster of a benchmark of streams, and the commands that users run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from beam_pipelines.produce.topics import DISPENSE, INVENTORY
from runners.local import Services, services
from tests.benchmarks.streams.commit_watch import CommitWatch
from tests.benchmarks.streams.processes import cpu_seconds
from tests.benchmarks.warehouse.site import Site
from transforms.lake import ObjectStore

#: What a stream counts by; the other topics are references, which are drained before it starts.
EVENTS: Final = frozenset({DISPENSE.name, INVENTORY.name})
SEED: Final = 1
#: A start loads Java classes and starts workers.
START_S: Final = 300.0
_STOP_S: Final = 180.0
#: Messages of a partition that tell how large the others are.
_SAMPLE: Final = 20_000


class StreamSite(Site):
    """Kafka, S3, the stand-in for Redshift, and a Flink cluster.

    Args:
        local: The servers.
        folder: For files that don't outlive the benchmark.
    """

    def __init__(self, local: Services, folder: Path) -> None:
        super().__init__(local, folder)
        self.local = local
        self.env |= local.environ()
        self.env["FLINK_MASTER"] = local.flink.address

    def new_lake(self) -> None:
        """Goes on with a lake that nobody has written to."""
        self.lake = f"s3://{self.new_root()}"

    @contextmanager
    def stream(self, *flags: str) -> Iterator["Stream"]:
        """Runs the main job as a stream on the cluster, and stops it in order."""
        command = [
            *(sys.executable, "-m", "beam_pipelines.pharmacy", "--mode=stream"),
            *self._kafka_and_lake(),
            *("--runner=FlinkRunner", f"--flink_master={self.local.flink.address}"),
            # A process for each worker, as on any cluster; LOOPBACK's share that of the command.
            "--environment_type=EXTERNAL",
            f"--environment_config={self.local.flink.workers.address}",
            "--progress=off",
            *flags,
        ]
        log = self.folder / "stream.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command, env={**os.environ, **self.env}, stdout=file, stderr=file
            )
            watch = CommitWatch(ObjectStore(self.lake, self.store), EVENTS)
            watch.start()
            try:
                yield Stream(self, process, watch, log)
                process.send_signal(signal.SIGTERM)
                if process.wait(_STOP_S):
                    raise RuntimeError(f"the stream ended with {process.returncode}:\n{_end(log)}")
            finally:
                process.kill()
                process.wait()

    def mean_bytes(self) -> float:
        """Returns how long an event is on average: key and value, as the topics hold them."""
        consumer = Consumer(
            {"bootstrap.servers": self.servers, "group.id": "sizes", "log_level": 3}
        )
        size = count = 0
        for topic in sorted(EVENTS):
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            for partition in partitions:
                _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition))
                read, bytes_read = _sampled(consumer, topic, partition, min(end, _SAMPLE))
                if read:
                    size, count = size + bytes_read / read * end, count + end
        consumer.close()
        return size / count


class Stream:
    """A running stream.

    Args:
        site: Where it runs.
        process: The command.
        watch: Sees its commits.
        log: What the command says.
    """

    def __init__(
        self, site: StreamSite, process: "subprocess.Popen[bytes]", watch: CommitWatch, log: Path
    ) -> None:
        self._site, self._process, self._log = site, process, log
        self.watch = watch

    def await_commit(self) -> None:
        """Waits for the first events in the lake.

        Raises:
            RuntimeError: The stream ended, or none came.
        """
        deadline = time.monotonic() + START_S
        while not self.watch.messages:
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing was committed within {START_S:.0f} s:\n{self._end}")
            self.pause(1)

    def pause(self, seconds: float) -> None:
        """Lets it run.

        Raises:
            RuntimeError: It ended.
        """
        time.sleep(seconds)
        if self._process.poll() is not None:
            raise RuntimeError(f"the stream ended with {self._process.returncode}:\n{self._end}")

    def look_on(self, seconds: float) -> list[float]:
        """Lets it run, and returns how long each checkpoint took that was made meanwhile, in s."""
        end = time.monotonic() + seconds
        begun = time.time()
        took: dict[int, float] = {}
        cluster = self._site.local.flink.cluster
        (job,) = [each for each in cluster.jobs() if not each.ended]
        while (left := end - time.monotonic()) > 0:
            self.pause(min(1.0, left))
            last = cluster.checkpoints(job.id).last
            if last is not None and last.begun_ms / 1000 >= begun:
                took[last.begun_ms] = last.duration_ms / 1000
        return list(took.values())

    def cpu(self) -> dict[str, float]:
        """CPU seconds by kind of process up to now."""
        return cpu_seconds(self._site.local, self._process.pid)

    @property
    def _end(self) -> str:
        return _end(self._log)


@contextmanager
def stream_site() -> Iterator[StreamSite]:
    """Starts servers and a cluster of two workers, with empty disks, and ends them."""
    names = ("kafka", "s3", "redshift", "flink")
    with TemporaryDirectory() as folder, services(Path(folder), start=names) as local:
        yield StreamSite(local, Path(folder))


def _sampled(consumer: Consumer, topic: str, partition: int, count: int) -> tuple[int, int]:
    """Returns how many messages were read of a partition's first ones, and their bytes."""
    consumer.assign([TopicPartition(topic, partition, 0)])
    read = size = 0
    while read < count:
        messages = consumer.consume(min(5_000, count - read), timeout=30)
        if not messages:
            raise RuntimeError(f"{topic} {partition} gave nothing for 30 s")
        for message in messages:
            read += 1
            size += len(message.key() or b"") + len(message.value() or b"")
    return read, size


def _end(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-20:])
