"""The graph: one vertical pipe of verbs."""

from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipelines.pharmacy.config import PharmacyConfig
from transforms.avro import EnforceSchema, EnforceSchemaConfig, TopicContract
from transforms.kafka import (
    BrokerSettings,
    ReadFromKafka,
    ReadFromKafkaConfig,
    SegmentLimits,
    StartAt,
)
from transforms.lake import (
    DatasetLayout,
    LakeSettings,
    PartitionOutcome,
    StoreSettings,
    WriteToS3,
    WriteToS3Config,
)
from transforms.quality import SealDeadLetters


@dataclass(frozen=True, kw_only=True)
class PharmacyJob:
    """One run of the main job.

    Attributes:
        config: The configuration file.
        bootstrap_servers: Of the Kafka cluster.
        lake_root: ``s3://bucket/prefix``.
        store: Address and credentials of S3.
        start: Where topics that are new to the lake begin.
        run_id: Names the run's report; empty for none.
    """

    config: PharmacyConfig
    bootstrap_servers: str
    lake_root: str
    store: StoreSettings = field(default_factory=StoreSettings)
    start: StartAt = field(default_factory=StartAt)
    run_id: str = ""

    @property
    def topics(self) -> list[str]:
        """The topics in the order in which they are read."""
        return [each.topic for each in self.config.topics]

    def broker(self) -> BrokerSettings:
        """Returns how to reach the cluster."""
        kafka = self.config.kafka
        return BrokerSettings(
            bootstrap_servers=self.bootstrap_servers,
            config=kafka.config,
            group_id=kafka.group_id,
            patience_s=kafka.patience_s,
        )

    def lake(self) -> LakeSettings:
        """Returns what the lake must be."""
        columns = ["event_date"]
        if any(each.source_systems for each in self.config.topics):
            columns.append("source_system")
        return LakeSettings(policy=self.config.lake.policy, partition_columns=tuple(columns))


def build(pipeline: beam.Pipeline, job: PharmacyJob) -> PCollection[PartitionOutcome]:
    """Puts the job's graph into a pipeline and returns what became of each partition."""
    outcomes: PCollection[PartitionOutcome] = (
        pipeline
        | "ReadFromKafka" >> ReadFromKafka(_reading(job))
        | "EnforceSchema" >> EnforceSchema(_enforcing(job))
        | "WriteToS3" >> WriteToS3(_writing(job))
    )
    return outcomes


def _reading(job: PharmacyJob) -> ReadFromKafkaConfig:
    segment = job.config.segment
    return ReadFromKafkaConfig(
        broker=job.broker(),
        topics=job.topics,
        lake_root=job.lake_root,
        store=job.store,
        start=job.start,
        limits=SegmentLimits(messages=segment.messages, bytes=segment.bytes),
    )


def _enforcing(job: PharmacyJob) -> EnforceSchemaConfig:
    return EnforceSchemaConfig(
        contracts=[
            TopicContract(
                topic=each.topic,
                dataset=each.dataset,
                reader=each.reader(),
                wire_format=each.wire_format,
            )
            for each in job.config.topics
        ],
        registry=job.config.registry.url,
        registry_settings=job.config.registry.settings,
        patience_s=job.config.registry.patience_s,
    )


def _writing(job: PharmacyJob) -> WriteToS3Config:
    return WriteToS3Config(
        lake_root=job.lake_root,
        layouts={
            each.dataset: DatasetLayout(
                event_time=each.event_time_column(), source_systems=each.source_systems
            )
            for each in job.config.topics
        },
        dead_letters=SealDeadLetters(job.config.dead_letters.key),
        lake=job.lake(),
        store=job.store,
        run_id=job.run_id,
    )
