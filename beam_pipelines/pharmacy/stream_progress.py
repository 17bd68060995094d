"""How a stream does: rate, lag, freshness, and the age of its last checkpoint."""

import time
from collections import deque
from typing import Final

from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.preflight import PATIENCE_S, Work
from beam_pipelines.pharmacy.progress import Progress
from runners.errors import FlinkClusterError
from runners.flink import Cluster, active
from transforms.kafka import Broker, read_topics
from transforms.lake import ObjectStore, PartitionId, SegmentCommit

#: The rate is that of the last seconds: the mean since the start would hide that it stands still.
_WINDOW_S: Final = 30.0


class StreamProgress(Progress):
    """Follows the chains against the ends as they are now.

    Args:
        job: What is read.
        store: The lake's objects.
        work: What there was at the start.
        cluster: Where the job runs; None where there is nobody to ask.
        job_name: Its name there.
    """

    def __init__(
        self,
        job: PharmacyJob,
        store: ObjectStore,
        work: Work,
        cluster: Cluster | None,
        job_name: str,
    ) -> None:
        super().__init__(store, work, self._seen)
        self._broker = Broker(job.broker(), patience_s=PATIENCE_S)
        self._names = job.names
        self._cluster = cluster
        self._job_name = job_name
        self._newest_ms: int | None = None
        self._counts: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._checkpoint = ""

    def look(self) -> None:
        """Reads new commits, asks the broker for its ends and the cluster for its checkpoint."""
        self.follow(self._ends_now())
        super().look()
        now = time.monotonic()
        self._counts.append((now, self.messages))
        while len(self._counts) > 2 and now - self._counts[0][0] > _WINDOW_S:
            self._counts.popleft()
        self._checkpoint = self._checkpoint_age()

    def rate(self) -> float:
        """Returns messages a second, of the last half minute."""
        (since, before), (until, after) = self._counts[0], self._counts[-1]
        return (after - before) / max(until - since, 1e-9)

    def line(self) -> str:
        """Returns the state in one line."""
        seconds = time.monotonic() - self.started
        fresh = "" if self._newest_ms is None else f"  newest {_ago(self._newest_ms)} old"
        return (
            f"{seconds:5.0f} s  {self.messages:,} messages  {self.rate():,.0f}/s  "
            f"lag {self.lag():,}{fresh}{self._checkpoint}"
        )

    def _seen(self, commit: SegmentCommit) -> None:
        if commit.broker_time is not None:
            self._newest_ms = max(self._newest_ms or 0, commit.broker_time[1])

    def _checkpoint_age(self) -> str:
        if self._cluster is None:
            return ""
        try:
            job = active(self._cluster, self._job_name)
            last = job and self._cluster.checkpoints(job.id).last
        except FlinkClusterError:
            return "  the cluster gives no answer"
        return (
            f"  checkpoint {last.age_s(time.time()):.0f} s ago" if last else "  no checkpoint yet"
        )

    def _ends_now(self) -> dict[PartitionId, int]:
        """Returns the last stable offset of each partition, those made meanwhile included."""
        return {
            PartitionId(facts.topic, facts.topic_id, partition): end
            for facts in self._broker.describe(read_topics(self._broker, self._names))
            for partition, end in self._broker.stable_end(facts).items()
        }


def _ago(milliseconds: int) -> str:
    return f"{max(0.0, time.time() - milliseconds / 1000):,.0f} s"
