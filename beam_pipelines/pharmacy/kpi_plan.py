"""From a configuration to live figures, and which of them may be shown."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from beam_pipelines.pharmacy.kpi_pipeline import KpiJob
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from transforms.errors import ConfigurationError
from transforms.kafka.publish import PublishConfig
from transforms.lake import FollowSettings
from transforms.masking import MaskConfig
from transforms.sql import Engine
from transforms.sql.functions import FUNCTIONS
from transforms.windows import Aggregate

#: A checkpoint waits for the call.
_CALL_S: Final = 5.0
#: A segment is written within its own age again, and one may be late.
_IDLE_SEGMENTS: Final = 4
#: A chain is asked as often as segments come; but each time costs a GET, and runners count delays
#: in whole seconds.
_OFTEN_S, _SELDOM_S = 1.0, 5.0
#: Classes of columns that may be shown: of no patient, and no keys of doors.
_SHOWN: Final = frozenset({"NONE", "OPERATIONAL"})


def kpi_job(job: PharmacyJob) -> KpiJob | None:
    """Returns how the aggregates of a configuration are published; None if they are not.

    Raises:
        ConfigurationError: One would show what tells of a patient.
    """
    config = job.config
    if config.kpi.topic is None:
        return None
    for each in config.aggregates:
        check_shown(each, job.chain.masks)
    counted = {each.dataset for each in config.aggregates}
    stream, panes = config.stream, config.kpi.settings()
    return KpiJob(
        lake_root=job.lake_root,
        aggregates=config.aggregates,
        topics=config.carrying(counted),
        publish=PublishConfig(
            broker=job.broker(),
            topic=config.kpi.topic,
            call_s=_CALL_S if job.mode == "stream" else None,
        ),
        partitions=config.kpi.partitions,
        store=job.store,
        mode=job.mode,
        panes=panes,
        special={
            name: replace(panes, sliding=windows) for name, windows in config.kpi.slides().items()
        },
        since=config.kpi.since,
        follow=FollowSettings(
            poll_every_s=min(max(stream.max_age_s, _OFTEN_S), _SELDOM_S),
            disorder_s=stream.disorder_s,
            idle_after_s=_IDLE_SEGMENTS * stream.max_age_s,
            discover_every_s=stream.discover_every_s,
        ),
    )


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
