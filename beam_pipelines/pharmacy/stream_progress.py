"""How a stream does: rate, lag, the age of its last checkpoint, and how fresh what it feeds is."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from rich.console import Group, RenderableType

from beam_pipelines.kpi.client import TopicFollower
from beam_pipelines.kpi.figures import LiveFigures
from beam_pipelines.pharmacy.kpi_pipeline import KpiJob
from beam_pipelines.pharmacy.load_freshness import LoadFreshness
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.preflight import PATIENCE_S, Work
from beam_pipelines.pharmacy.progress import Progress
from runners.errors import FlinkClusterError
from runners.flags import Flags
from runners.flink import Cluster, active, cluster_of, job_name_of
from transforms.errors import PipelineError
from transforms.kafka import Broker, read_topics
from transforms.lake import ObjectStore, PartitionId, SegmentCommit
from transforms.redshift import connect

#: The rate is that of the last seconds: the mean since the start would hide that it stands still.
_WINDOW_S: Final = 30.0
#: Cells of the newest window that are shown.
_TOP: Final = 5
#: What was published shortly before the start is of windows that are still open.
_BEFORE: Final = timedelta(minutes=15)


class StreamProgress(Progress):
    """Follows the chains against the ends as they are now.

    Args:
        job: What is read.
        store: The lake's objects.
        work: What there was at the start.
        cluster: Where the job runs; None where there is nobody to ask.
        job_name: Its name there.
        warehouse: What the warehouse says; None where there is none.
        figures: What was published; None where nothing is.
    """

    def __init__(
        self,
        job: PharmacyJob,
        store: ObjectStore,
        work: Work,
        cluster: Cluster | None,
        job_name: str,
        warehouse: LoadFreshness | None = None,
        figures: LiveFigures | None = None,
    ) -> None:
        super().__init__(store, work, self._seen)
        self._broker = Broker(job.broker(), patience_s=PATIENCE_S)
        self._names = job.names
        self._cluster = cluster
        self._job_name = job_name
        self._newest_ms: int | None = None
        self._counts: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._checkpoint = ""
        self._warehouse = warehouse
        self._figures = figures
        self._unread = ""

    def look(self) -> None:
        """Reads new commits, asks the broker for its ends and the cluster for its checkpoint."""
        self.follow(self._ends_now())
        super().look()
        now = time.monotonic()
        self._counts.append((now, self.messages))
        while len(self._counts) > 2 and now - self._counts[0][0] > _WINDOW_S:
            self._counts.popleft()
        self._checkpoint = self._checkpoint_age()
        self._look_at_figures()

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
            f"lag {self.lag():,}{fresh}{self._checkpoint}{self._fed()}"
        )

    def table(self) -> RenderableType:
        """Returns the state by topic, and the newest figures."""
        topics = self.by_topic()
        return topics if self._figures is None else Group(topics, self._figures.table())

    def _fed(self) -> str:
        """Returns how fresh the warehouse is, and what was published last."""
        parts = [] if self._warehouse is None else [self._warehouse.line()]
        if self._figures is not None:
            parts.append(self._unread or self._figures.line())
        return "".join(f"  {part}" for part in parts)

    def _look_at_figures(self) -> None:
        if self._figures is None:
            return
        try:
            self._figures.look()
        except PipelineError as error:
            # It must not hide how the lake does.
            self._unread = f"the figures can't be read: {error}"
        else:
            self._unread = ""

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


@contextmanager
def watched(
    job: PharmacyJob, store: ObjectStore, work: Work, flags: Flags
) -> Iterator[StreamProgress]:
    """Gives the progress of a stream, and asks its warehouse while the body runs.

    Args:
        job: What is read, and what the lake feeds.
        store: The lake's objects.
        work: What there was at the start.
        flags: Beam's.
    """
    warehouse = None
    if job.load is not None:
        warehouse = LoadFreshness(job.load, partial(connect, job.load.redshift))
        warehouse.start()
    figures = None if job.kpi is None else _newest_figures(job.kpi)
    try:
        cluster, name = cluster_of(flags), job_name_of(flags)
        yield StreamProgress(job, store, work, cluster, name, warehouse, figures)
    finally:
        if warehouse is not None:
            warehouse.stop()


def _newest_figures(job: KpiJob) -> LiveFigures:
    """Returns what shows the first aggregate's newest windows, as they are published."""
    follow = partial(
        TopicFollower,
        job.publish.broker,
        job.publish.topic,
        since=datetime.now(UTC) - _BEFORE,
        patience_s=PATIENCE_S,
    )
    return LiveFigures(follow, job.publish.topic, _TOP, job.aggregates[0].name)


def _ago(milliseconds: int) -> str:
    return f"{max(0.0, time.time() - milliseconds / 1000):,.0f} s"
