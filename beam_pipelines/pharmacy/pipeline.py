"""The graph: one vertical pipe of verbs."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipelines.pharmacy.chain import Chain, make_chain
from beam_pipelines.pharmacy.config import PharmacyConfig
from beam_pipelines.pharmacy.kpi_pipeline import KpiJob
from beam_pipelines.pharmacy.load_pipeline import LoadJob
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
    RehearseWrite,
    StoreSettings,
    WriteToS3,
    WriteToS3Config,
)
from transforms.masking import MaskFields
from transforms.quality import (
    EnforceLimits,
    EnforceLimitsConfig,
    SealDeadLetters,
    Validate,
    ValidateConfig,
)
from transforms.references import References, ReferenceSnapshot
from transforms.segment import Segment
from transforms.settings import Mode
from transforms.tables import MapTables, MapTablesConfig
from transforms.topics import TopicName, found

SegmentStep = beam.PTransform[PCollection[Segment], PCollection[Segment]]


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
        only: The topics to read; all by default.
        pinned: Which commits of the references count; by default those that there are when a
            worker looks. In a stream that reads them again, those that it begins with.
        load: What comes after the lake; None to stop there.
        kpi: How live figures are published; None for not at all.
        mode: ``drain`` reads to an end, ``stream`` goes on.
    """

    config: PharmacyConfig
    bootstrap_servers: str
    lake_root: str
    store: StoreSettings = field(default_factory=StoreSettings)
    start: StartAt = field(default_factory=StartAt)
    run_id: str = ""
    only: frozenset[str] | None = None
    pinned: ReferenceSnapshot | None = None
    load: LoadJob | None = None
    kpi: KpiJob | None = None
    mode: Mode = "drain"

    @property
    def names(self) -> list[TopicName]:
        """What to read, in order: all that the configuration names, or ``only`` those topics."""
        entries = [each.name for each in self.config.topics]
        if self.only is None:
            return entries
        return [TopicName(topic=each) for each in found(entries, self.only) if each in self.only]

    @cached_property
    def chain(self) -> Chain:
        """The transforms between Kafka and the lake.

        Raises:
            ConfigurationError: They don't fit together.
        """
        return make_chain(self.config)

    def part(self, **changes: Any) -> "PharmacyJob":
        """Returns the job with other topics, another name and so on, but the same configuration."""
        made = replace(self, **changes)
        vars(made)["chain"] = self.chain  # The same configuration: checked once.
        return made

    @cached_property
    def references(self) -> References:
        """What rules and derived columns may look up."""
        return References(
            self.chain.rules.references,
            lake_root=self.lake_root,
            store=self.store,
            pinned=self.pinned,
            schemas=self.chain.schemas,
            link_keys=self.chain.masks.link_keys,
            refresh_s=self.config.references.refresh_s if self.mode == "stream" else 0.0,
            topics=self.config.carrying(self.chain.reference_datasets),
        )

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
        masking = self.config.masking
        return LakeSettings(
            policy=masking.policy, key_domain=masking.domain, partition_columns=tuple(columns)
        )


def build(pipeline: beam.Pipeline, job: PharmacyJob) -> PCollection[PartitionOutcome]:
    """Puts the job's graph into a pipeline and returns what became of each partition."""
    segments = pipeline | "ReadFromKafka" >> ReadFromKafka(_reading(job))
    for name, step in _steps(job).items():
        segments = segments | name >> step
    outcomes: PCollection[PartitionOutcome] = segments | "WriteToS3" >> WriteToS3(_writing(job))
    return outcomes


def _steps(job: PharmacyJob) -> dict[str, SegmentStep]:
    """Returns what stands between Kafka and the lake, in order, newly made."""
    # Steps without work would start an engine each.
    return {
        "EnforceSchema": EnforceSchema(_enforcing(job)),
        **({"Validate": Validate(_validating(job))} if job.chain.rules.rules else {}),
        **({"MapTables": MapTables(_mapping(job))} if job.chain.steps else {}),
        "MaskFields": MaskFields(job.chain.masks),
        "EnforceLimits": EnforceLimits(_measuring(job)),
    }


def _reading(job: PharmacyJob) -> ReadFromKafkaConfig:
    segment = job.config.segment
    return ReadFromKafkaConfig(
        broker=job.broker(),
        topics=[each.topic for each in job.names if each.topic],
        patterns=[each.pattern for each in job.names if each.pattern],
        lake_root=job.lake_root,
        store=job.store,
        start=job.start,
        limits=SegmentLimits(messages=segment.messages, bytes=segment.bytes),
        mode=job.mode,
        stream=job.config.stream.settings(),
        # A message that kills its process is found out by the same steps in a child.
        rehearsal=[*_steps(job).values(), RehearseWrite(_writing(job))],
    )


def _enforcing(job: PharmacyJob) -> EnforceSchemaConfig:
    return EnforceSchemaConfig(
        contracts=[
            TopicContract(
                topic=each.topic,
                pattern=each.pattern,
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


def _validating(job: PharmacyJob) -> ValidateConfig:
    return ValidateConfig(
        rules=job.chain.rules, references=job.references, source_systems=_source_systems(job)
    )


def _measuring(job: PharmacyJob) -> EnforceLimitsConfig:
    return EnforceLimitsConfig(rules=job.chain.limits, source_systems=_source_systems(job))


def _source_systems(job: PharmacyJob) -> dict[str, tuple[str, ...]]:
    """Returns per dataset the source systems that findings may name."""
    return {each.dataset: job.config.rules.source_systems for each in job.config.topics}


def _mapping(job: PharmacyJob) -> MapTablesConfig:
    return MapTablesConfig(steps=job.chain.steps, references=job.references)


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
        derived=job.chain.aggregates,
        lake=job.lake(),
        store=job.store,
        run_id=job.run_id,
        started=datetime.now(UTC),
    )
