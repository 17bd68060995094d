"""What a stream's partitions share within one process, whichever thread calls them."""

import threading
import time
from dataclasses import replace
from typing import Final

from transforms.kafka.client import Broker
from transforms.kafka.config import ReadFromKafkaConfig
from transforms.kafka.discovery import PartitionTask
from transforms.kafka.figures import tell_left
from transforms.kafka.stream.client import StreamConsumer
from transforms.kafka.stream.partition import PartitionStream, Surroundings
from transforms.kafka.stream.shared_consumer import SharedConsumer
from transforms.lake.client import ObjectStore
from transforms.lake.lanes import Lane, lane
from transforms.lake.manifest import require_lake
from transforms.lake.names import PartitionId
from transforms.rehearsal import Rehearsal

#: A checkpoint waits for a call, so an outage is waited out between the calls, not in them.
BROKER_PATIENCE_S: Final = 2.0


def open_broker(config: ReadFromKafkaConfig) -> Broker:
    """Returns what answers a stream's questions to the cluster: at once or not at all."""
    return Broker(config.broker, patience_s=min(config.broker.patience_s, BROKER_PATIENCE_S))


class Worker:
    """One process's part of a stream.

    Args:
        config: What is read.

    Raises:
        RefusedError: The lake or the cluster refuses.
        StoreUnavailableError: S3 was away for longer than the store's patience.
    """

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        self._store = ObjectStore(config.lake_root, config.store)
        self._lake_id = require_lake(self._store).lake_id
        self._consumer = SharedConsumer(
            StreamConsumer(config.broker),
            config.limits,
            config.stream.max_age_s,
            config.stream.buffer_bytes,
            time.monotonic,
        )
        self._around = Surroundings(
            broker=open_broker(config),
            consumer=self._consumer,
            settings=config.stream,
            rehearse=Rehearsal(config.rehearsal).run if config.rehearsal else None,
        )
        self._lock = threading.Lock()
        self._streams: dict[PartitionId, PartitionStream] = {}

    def stream(self, task: PartitionTask) -> PartitionStream:
        """Returns where the partition stands, the same for every thread."""
        with self._lock:
            if task.owner not in self._streams:
                self._streams[task.owner] = PartitionStream(task, self.lane(task), self._around)
            return self._streams[task.owner]

    def lane(self, task: PartitionTask) -> Lane:
        """Returns the partition's lane, which the sink has, too."""
        return lane(self._store, task.owner, self._lake_id)

    def close(self) -> None:
        """Leaves the cluster."""
        for owner in self._streams:
            tell_left(owner)
        self._consumer.close()


class _Loans:
    """The workers of this process, each made by the first who needs it and closed by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lent: list[tuple[ReadFromKafkaConfig, Worker, int]] = []

    def borrow(self, config: ReadFromKafkaConfig) -> Worker:
        wanted = _comparable(config)
        with self._lock:
            for at, (known, worker, users) in enumerate(self._lent):
                if known == wanted:
                    self._lent[at] = (known, worker, users + 1)
                    return worker
            made = Worker(config)
            self._lent.append((wanted, made, 1))
            return made

    def give_back(self, returned: Worker) -> None:
        with self._lock:
            for at, (known, worker, users) in enumerate(self._lent):
                if worker is not returned:
                    continue
                if users > 1:
                    self._lent[at] = (known, worker, users - 1)
                    return
                del self._lent[at]
                worker.close()
                return


def _comparable(config: ReadFromKafkaConfig) -> ReadFromKafkaConfig:
    # Each copy of a transform that reaches a thread is another object.
    return replace(config, rehearsal=())


_loans = _Loans()


def borrow(config: ReadFromKafkaConfig) -> Worker:
    """Returns this process's worker for a configuration; give it back when done."""
    return _loans.borrow(config)


def give_back(worker: Worker) -> None:
    """Ends the use of a worker; the last one closes it."""
    _loans.give_back(worker)
