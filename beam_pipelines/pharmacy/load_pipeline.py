"""The second graph: from the commit log into the warehouse."""

from dataclasses import dataclass, field, replace

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from transforms.lake import CommitBatch, ReadCommits, ReadCommitsConfig, StoreSettings
from transforms.lake.new_commits import Position
from transforms.redshift import (
    LoadOutcome,
    LoadPlan,
    RedshiftSettings,
    WriteToRedshift,
    WriteToRedshiftConfig,
)


@dataclass(frozen=True, kw_only=True)
class LoadJob:
    """What a run of the main job does after the lake.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        plan: Which dataset goes to which table.
        redshift: The warehouse.
        store: Address and credentials of S3.
        run_id: Names the run's report.
    """

    lake_root: str
    plan: LoadPlan
    redshift: RedshiftSettings
    store: StoreSettings = field(default_factory=StoreSettings)
    run_id: str

    def streaming(self) -> WriteToRedshiftConfig:
        """Returns what the sink of a stream is told: calls that a checkpoint can wait for."""
        return replace(self.writing(), call_s=1.0, run_id="")

    def writing(self) -> WriteToRedshiftConfig:
        """Returns what the sink is told."""
        return WriteToRedshiftConfig(
            lake_root=self.lake_root,
            plan=self.plan,
            redshift=self.redshift,
            store=self.store,
            run_id=self.run_id,
        )


def build_load(
    pipeline: beam.Pipeline, job: LoadJob, position: Position
) -> PCollection[LoadOutcome]:
    """Puts the job's graph into a pipeline and returns what became of each load.

    Args:
        pipeline: Where.
        job: What to load.
        position: What is loaded already. It spares reading; the warehouse's own fences count.
    """
    reading = ReadCommitsConfig(
        lake_root=job.lake_root, store=job.store, position=position, topics=job.plan.topics
    )
    outcomes: PCollection[LoadOutcome] = (
        pipeline
        | "ReadCommits" >> ReadCommits(reading)
        | "WriteToRedshift" >> WriteToRedshift(job.writing())
    )
    return outcomes


def build_stream_load(
    pipeline: beam.Pipeline, job: LoadJob, interval_s: float
) -> PCollection[LoadOutcome]:
    """Puts a load every so many seconds into a stream's pipeline, apart from its other steps.

    It is a pipe of its own: an outage of the warehouse can't hold up the lake.

    Args:
        pipeline: Where.
        job: What to load.
        interval_s: Seconds from one load to the next; each loads all that is committed.
    """
    outcomes: PCollection[LoadOutcome] = (
        pipeline
        | "EveryLoadInterval" >> PeriodicImpulse(fire_interval=interval_s)
        | "SignLoad" >> beam.Map(_sign)
        | "WriteToRedshift" >> WriteToRedshift(job.streaming())
    )
    return outcomes


def _sign(_moment: object) -> CommitBatch:
    # What is loaded is chosen under the warehouse's lock: the batch only says that it is time.
    return CommitBatch(())
