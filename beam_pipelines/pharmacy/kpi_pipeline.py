"""The third graph: from the commit log, through Beam's windows, to the topic of live figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipelines.pharmacy.pipeline import PharmacyJob
from transforms.errors import ConfigurationError
from transforms.kafka.publish import PublishConfig, PublishToKafka
from transforms.lake import (
    CommitBatch,
    FollowSettings,
    ReadCommits,
    ReadCommitsConfig,
    StoreSettings,
)
from transforms.masking import MaskConfig
from transforms.settings import Mode
from transforms.sql import Engine
from transforms.sql.functions import FUNCTIONS
from transforms.windows import Aggregate, FirePanes, Pane, PaneSettings

TOPIC: Final = "pharmacy.kpi"
#: A checkpoint waits for the call.
_CALL_S: Final = 5.0
#: A segment is written within its own age again, and one may be late.
_IDLE_SEGMENTS: Final = 4
#: How far events may lie ahead of the time at which the broker had them: what is read before the
#: first window, so that it is whole.
_AHEAD: Final = timedelta(hours=1)
#: Classes of columns that may be shown: of no patient, and no keys of doors.
_SHOWN: Final = frozenset({"NONE", "OPERATIONAL"})


@dataclass(frozen=True, kw_only=True)
class KpiJob:
    """What is counted and where it is published.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        aggregates: What is counted; partials of them are in the lake's commits.
        topics: The topics whose commits hold them.
        publish: The cluster and the topic.
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
    topics: frozenset[str]
    publish: PublishConfig
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


def kpi_job(job: PharmacyJob, topic: str = TOPIC) -> KpiJob:
    """Returns how the aggregates of a configuration are published.

    Raises:
        ConfigurationError: There are none, or one would show what tells of a patient.
    """
    config = job.config
    if not config.aggregates:
        raise ConfigurationError(
            "there is no aggregate to publish", "Declare one under aggregates in the configuration"
        )
    for each in config.aggregates:
        check_shown(each, job.chain.masks)
    counted = {each.dataset for each in config.aggregates}
    stream = config.stream
    return KpiJob(
        lake_root=job.lake_root,
        aggregates=config.aggregates,
        topics=frozenset(each.topic for each in config.topics if each.dataset in counted),
        publish=PublishConfig(
            broker=job.broker(), topic=topic, call_s=_CALL_S if job.mode == "stream" else None
        ),
        store=job.store,
        mode=job.mode,
        follow=FollowSettings(
            disorder_s=stream.disorder_s,
            idle_after_s=_IDLE_SEGMENTS * stream.max_age_s,
            discover_every_s=stream.discover_every_s,
        ),
    )


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


def check_shown(aggregate: Aggregate, masks: MaskConfig) -> None:
    """Refuses an aggregate whose figures would show values that tell of a patient.

    Counts, sums and numbers of distinct values show none. Small cells are another matter; see
    ``PaneSettings.suppress_below``.

    Raises:
        ConfigurationError: Names the aggregate, the place and the column.
    """
    classes = {
        one.column.lower(): one.found.cls
        for one in masks.decisions(aggregate.dataset)
        if one.found is not None
    }
    # What joins the rows of a patient is no name, but tells them apart.
    classes |= {name.lower(): "a link" for name in masks.datasets[aggregate.dataset].links}
    for place, column in _shown(aggregate):
        # The lineage columns have no class: they tell where a row came from, and nothing in it.
        kind = classes.get(column.lower(), "NONE")
        if kind not in _SHOWN:
            raise ConfigurationError(
                f"the aggregate {aggregate.name} would publish values of {column} ({kind}) as its "
                f"{place}",
                "Leave it out, or count it by distinct",
            )


def _shown(aggregate: Aggregate) -> Iterator[tuple[str, str]]:
    """Yields each place whose values are shown as they are, and each column in it."""
    for name in aggregate.dimensions:
        yield "dimension", name
    engine = Engine(FUNCTIONS)
    for name, measure in aggregate.measures.items():
        if measure.kind in ("min", "max", "quantiles"):
            for column in engine.parse(measure.sql).columns:
                yield f"measure {name}", column[0]


def _message(pane: Pane) -> tuple[bytes, bytes]:
    return pane.key, pane.to_bytes()
