"""The live figures' part of a run: refused before the lake's, and never in its way."""

import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console

from beam_pipelines.pharmacy.kpi_pipeline import KpiJob, build_kpi
from beam_pipelines.pharmacy.preflight import PATIENCE_S
from beam_pipelines.pharmacy.running import first_line, piped
from beam_pipelines.refusals import refusing
from transforms.kafka.publish import PublishingBroker, ensure_topic


def check_topic(job: KpiJob, screen: Console) -> None:
    """Makes the topic of live figures unless it is there, and checks one that is.

    Args:
        job: What is published where.
        screen: Where it is told that a topic was made.

    Raises:
        RefusedError: It can't be made, may not be written, or would lose what counts.
    """
    topic = job.publish.topic
    with refusing():
        cluster = PublishingBroker(job.publish.broker, patience_s=PATIENCE_S)
        made = ensure_topic(cluster, topic, job.needs())
    if made:
        screen.print(f"Made the topic {topic} for live figures", highlight=False)


def publish(job: KpiJob, flags: Sequence[str], screen: Console) -> bool:
    """Publishes the figures of all that is committed, and says what became of it.

    Args:
        job: What is published where.
        flags: Beam's flags, prepared for the runner.
        screen: Where it is told.

    Returns:
        Whether all are published. If not, the next run publishes them.
    """
    failure = piped(flags, partial(build_kpi, job=job))
    if failure is not None:
        sys.stderr.write(
            f"error: the live figures are behind the lake: {first_line(failure).rstrip('.')}. The "
            "next run catches up\n"
        )
        return False
    screen.print(f"The figures of all windows are in {job.publish.topic}", highlight=False)
    return True
