"""The second graph: from the commit log into the warehouse."""

from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.lake import ReadCommits, ReadCommitsConfig, StoreSettings
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
