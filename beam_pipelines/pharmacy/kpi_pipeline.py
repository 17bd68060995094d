"""The third graph: from the commit log, through Beam's windows, to the topic of live figures."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.errors import ConfigurationError
from transforms.kafka.publish import PublishConfig, PublishToKafka, TopicNeeds
from transforms.lake import (
    CommitBatch,
    FollowSettings,
    ReadCommits,
    ReadCommitsConfig,
    StoreSettings,
)
from transforms.settings import Mode
from transforms.windows import Aggregate, FirePanes, Pane, PaneSettings

#: How far events may lie ahead of the time at which the broker had them: what is read before the
#: first window, so that it is whole.
_AHEAD: Final = timedelta(hours=1)
#: A local day has 25 hours at most.
_DAY_S: Final = 25 * 3_600


@dataclass(frozen=True, kw_only=True)
class KpiJob:
    """What is counted and where it is published.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        aggregates: What is counted; partials of them are in the lake's commits.
        topics: The topics whose commits hold them.
        publish: The cluster and the topic.
        partitions: Of a topic that is made.
        store: Address and credentials of S3.
        mode: ``stream`` fires early, on time and late; ``drain`` once, at the end.
        panes: When panes are fired.
        special: Likewise for single aggregates, by name.
        since: A start without state leaves out windows that start before; from the lake's
            beginning where nothing is said.
        follow: How a stream follows the commits.
    """

    lake_root: str
    aggregates: tuple[Aggregate, ...]
    topics: Container[str]
    publish: PublishConfig
    partitions: int = 3
    store: StoreSettings = field(default_factory=StoreSettings)
    mode: Mode = "stream"
    panes: PaneSettings = field(default_factory=PaneSettings)
    special: Mapping[str, PaneSettings] = field(default_factory=dict)
    since: datetime | None = None
    follow: FollowSettings = field(default_factory=FollowSettings)

    def __post_init__(self) -> None:
        names = {each.name for each in self.aggregates}
        for name in self.special:
            if name not in names:
                raise ConfigurationError(
                    f"special names the aggregate {name}, which is not counted",
                    f"There are {', '.join(sorted(names))}",
                )

    def reading(self) -> ReadCommitsConfig:
        """Returns what the source is told."""
        return ReadCommitsConfig(
            lake_root=self.lake_root,
            store=self.store,
            since=None if self.since is None else self.since - _AHEAD,
            topics=self.topics,
            tables=frozenset(each.table_name for each in self.aggregates),
            mode=self.mode,
            follow=self.follow,
        )

    def firing(self, aggregate: Aggregate) -> PaneSettings:
        """Returns when panes of an aggregate are fired."""
        return replace(self.special.get(aggregate.name, self.panes), since=self.since)

    def needs(self) -> TopicNeeds:
        """Returns what the topic must be: figures of open windows stay, however old."""
        return TopicNeeds(
            partitions=self.partitions, kept_s=max(self._open_s(each) for each in self.aggregates)
        )

    def _open_s(self, aggregate: Aggregate) -> int:
        width = aggregate.width_us
        settings = self.firing(aggregate)
        own = _DAY_S if width is None else width // 1_000_000
        widest = max([own, *(each.size_s for each in settings.sliding)])
        return widest + settings.allowed_lateness_s


def build_kpi(pipeline: beam.Pipeline, job: KpiJob) -> PCollection[Pane]:
    """Puts the job's graph into a pipeline and returns the panes."""
    batches: PCollection[CommitBatch] = pipeline | "ReadPartials" >> ReadCommits(job.reading())
    fired = [
        batches | f"FirePanes-{each.name}" >> FirePanes(each, job.firing(each))
        for each in job.aggregates
    ]
    panes: PCollection[Pane] = tuple(fired) | "AllPanes" >> beam.Flatten()
    _ = panes | "EncodePanes" >> beam.Map(_message) | "PublishPanes" >> PublishToKafka(job.publish)
    return panes


def _message(pane: Pane) -> tuple[bytes, bytes]:
    return pane.key, pane.to_bytes()
