"""What a configuration file may say. Strict: an unknown key is refused."""

import importlib
from collections.abc import Callable, Container
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from beam_pipelines.pharmacy.config.kpi import KpiConfig
from beam_pipelines.warehouse.star import StarConfig
from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from schemas.errors import SchemasError
from schemas.model import AvroSchema
from schemas.wire import WireFormat
from transforms.errors import ConfigurationError
from transforms.identifiers import Link
from transforms.kafka import StreamSettings
from transforms.masking.policies import check_policy
from transforms.secrets import is_reference
from transforms.topics import AnyOf, TopicName, place_of
from transforms.windows import Aggregate

#: How long an outage is waited out before a partition fails, in seconds.
Patience = Annotated[float, Field(gt=0, le=86_400)]


#: Bytes of a text in the warehouse: VARCHAR takes no more.
Length = Annotated[int, Field(ge=1, le=65_535)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegistryConfig(_Strict):
    """Where writer schemas are looked up."""

    url: str = "package:"
    settings: dict[str, str] = {}
    patience_s: Patience = 120.0


class DeadLettersConfig(_Strict):
    """How dead letters are sealed."""

    key: str = "env:DEAD_LETTER_KEY"

    @model_validator(mode="after")
    def _check(self) -> "DeadLettersConfig":
        if not is_reference(self.key):
            raise ValueError("key must be a reference such as env:DEAD_LETTER_KEY")
        return self


class LakeConfig(_Strict):
    """How the lake is stored, and how long this run waits for S3."""

    kms_key_id: str | None = None
    patience_s: Patience = 120.0
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 20.0


class MaskingConfig(_Strict):
    """The masking policy, on which all runs on a lake must agree.

    Attributes:
        policy: ``ops``, ``limited`` or ``pseudonymised``; see ``beam_pipelines.masking explain``.
        key: Reference to the root key of pseudonyms and date shifts.
        key_version: The key's version, which shows in each pseudonym. Pinned, never "the latest".
        domain: Within one domain pseudonyms join.
        fields: Dataset -> field -> action. They tighten the policy, and decide on free text, on
            which no policy does.
        link_key: Reference to the root key of links, which must never change; by default that of
            ``key``. When ``key`` is rotated, this must go on naming the old one.
        links: Dataset -> column that is added -> the link that it holds: a number by which rows
            join under every version of ``key``.
    """

    policy: str = "ops"
    key: str = "env:MASKING_KEY"
    key_version: Annotated[int, Field(ge=1)] = 1
    domain: str = ""
    fields: dict[str, dict[str, str]] = {}
    link_key: str | None = None
    links: dict[str, dict[str, Link]] = {}

    @model_validator(mode="after")
    def _check(self) -> "MaskingConfig":
        for name in ("key", "link_key"):
            reference = getattr(self, name)
            if reference is not None and not is_reference(reference):
                raise ValueError(f"{name} must be a reference such as env:MASKING_KEY")
        try:
            check_policy(self.policy)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return self


class RulesConfig(_Strict):
    """Which rules count.

    Attributes:
        files: Rule files, by paths from the configuration's folder, or ``package:rules.yaml``.
        source_systems: The values of ``source_system`` by which trips are told apart in commits and
            reports; any other counts as ``other``, since a producer may fill in anything.
    """

    files: tuple[str, ...] = ()
    source_systems: tuple[str, ...] = ()


class ColumnConfig(_Strict):
    """A derived column.

    Attributes:
        sql: Expression over a row's columns and the references of the rule files.
        cls: Its class of personal data, ``class`` in the file: ``NONE`` if it tells nothing.
    """

    sql: Annotated[str, Field(min_length=1)]
    cls: Annotated[str, Field(min_length=1, alias="class")]


class FunctionConfig(_Strict):
    """A Python function on a dataset's tables; see ``transforms.tables.TableFunction``.

    Attributes:
        call: ``package.module:function``. Workers must be able to import it.
        version: Raise it with every change of what the function does.
        columns: The columns that it adds -> their class of personal data.
    """

    call: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    version: Annotated[str, Field(min_length=1)]
    columns: dict[str, str] = {}

    @model_validator(mode="after")
    def _check(self) -> "FunctionConfig":
        self.function()
        return self

    def function(self) -> Callable[[Any], Any]:
        """Returns the function.

        Raises:
            ValueError: It can't be imported.
        """
        module, _, name = self.call.partition(":")
        try:
            found: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"call can't be imported: {error}") from None
        return found


class DatasetConfig(_Strict):
    """What becomes of a dataset's rows between validation and masking, and what its table holds.

    Attributes:
        functions: One's own functions; they come first.
        columns: Derived columns.
        patient: The column whose patient a row's dates belong to, for date shifts; ``patient_id``
            where the dataset has one.
        country: The column of the country that ZIP codes are of; ``country`` where there is one.
        lengths: Column -> bytes of its texts in the warehouse, counted in UTF-8 after the masks;
            1,024 by default. A message with a longer one is a dead letter. More is a migration
            away; what is less than the table has leaves the table as it is.
    """

    functions: tuple[FunctionConfig, ...] = ()
    columns: dict[str, ColumnConfig] = {}
    patient: str | None = None
    country: str | None = None
    lengths: dict[str, Length] = {}


class KafkaConfig(_Strict):
    """librdkafka settings; secrets as references."""

    config: dict[str, str] = {}
    group_id: str = "pharmabeam"
    patience_s: Patience = 120.0


class SegmentConfig(_Strict):
    """When a segment is large enough."""

    messages: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    bytes: Annotated[int, Field(ge=1, le=1 << 30)] = 64 * 1024 * 1024


class StreamConfig(_Strict):
    """How a stream reads; see ``transforms.kafka.StreamSettings``."""

    max_age_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    buffer_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 36)] = 256 * 1024 * 1024
    disorder_s: Annotated[float, Field(gt=0)] = 300.0
    idle_after_s: Annotated[float, Field(gt=0)] = 30.0
    discover_every_s: Annotated[float, Field(gt=0)] = 30.0

    def settings(self) -> StreamSettings:
        """Returns them for the reader."""
        return StreamSettings(**self.model_dump())


class ReferencesConfig(_Strict):
    """How a stream sees its references.

    Attributes:
        refresh_s: How often each worker looks for reference rows that were committed since, in
            seconds; 0 pins them for the run, as a drain does.
    """

    refresh_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0


class TopicConfig(_Strict):
    """What a topic carries and where its rows go.

    Attributes:
        topic: The topic's name; or leave it out, and give a pattern.
        pattern: Regular expression: all topics whose whole name matches it carry the same, in a
            stream those that are made later, too.
        dataset: The dataset of the rows.
        wire_format: How messages name their writer schema.
        schema_file: The reader schema, from the file's folder; the packaged one by default.
        event_time: The column whose date places the rows.
        source_systems: Values of ``source_system`` that have folders of their own.
    """

    topic: str = ""
    pattern: str = ""
    dataset: str
    wire_format: WireFormat = WireFormat.CONFLUENT
    schema_file: str | None = None
    event_time: str | None = None
    source_systems: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "TopicConfig":
        # Pydantic adds the place only to a ValueError; any other error would lose it.
        try:
            TopicName(topic=self.topic, pattern=self.pattern)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        try:
            columns = arrow_schema(self.reader())
        except KeyError as error:
            raise ValueError(error.args[0]) from None
        except SchemasError as error:
            raise ValueError(f"schema_file is no schema of rows: {error}") from None
        except OSError as error:
            raise ValueError(f"schema_file can't be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ValueError("schema_file is not UTF-8 text") from None
        self._check_columns(columns)
        return self

    @property
    def name(self) -> TopicName:
        """The topics that are meant."""
        return TopicName(topic=self.topic, pattern=self.pattern)

    def _check_columns(self, columns: pa.Schema) -> None:
        name = self.event_time_column()
        if name not in columns.names:
            raise ValueError(f"event_time must be a field of the schema, got {self.event_time}")
        if not pa.types.is_timestamp(columns.field(name).type):
            raise ValueError(f"event_time must be a timestamp, and {name} is none")
        if self.source_systems and "source_system" not in columns.names:
            raise ValueError("source_systems needs a field source_system, and the schema has none")

    def reader(self) -> AvroSchema:
        """Returns the reader schema: the file's, or the packaged one of the dataset.

        Raises:
            KeyError: There is no packaged dataset of that name.
            OSError: The file can't be read; UnicodeDecodeError if it is no text.
            SchemaParseError: It is no Avro schema.
        """
        if self.schema_file is None:
            return packaged_dataset(self.dataset).reader
        return AvroSchema.parse(Path(self.schema_file).read_text(encoding="utf-8"))

    def event_time_column(self) -> str:
        """Returns the column whose date places the rows."""
        if self.event_time is not None:
            return self.event_time
        return packaged_dataset(self.dataset).event_time if self.schema_file is None else ""


class PharmacyConfig(_Strict):
    """The whole file."""

    topics: Annotated[tuple[TopicConfig, ...], Field(min_length=1)]
    registry: RegistryConfig = RegistryConfig()
    dead_letters: DeadLettersConfig = DeadLettersConfig()
    lake: LakeConfig = LakeConfig()
    masking: MaskingConfig = MaskingConfig()
    rules: RulesConfig = RulesConfig()
    datasets: dict[str, DatasetConfig] = {}
    aggregates: tuple[Aggregate, ...] = ()
    kafka: KafkaConfig = KafkaConfig()
    segment: SegmentConfig = SegmentConfig()
    stream: StreamConfig = StreamConfig()
    references: ReferencesConfig = ReferencesConfig()
    kpi: KpiConfig = KpiConfig()
    warehouse: StarConfig = StarConfig()

    @model_validator(mode="after")
    def _check(self) -> "PharmacyConfig":
        names = [each.name for each in self.topics]
        if len(set(names)) != len(names):
            raise ValueError("topics must name each topic once")
        try:
            for each in filter(None, (each.topic for each in self.topics)):
                place_of(each, names)
        except ConfigurationError as error:
            raise ValueError(f"topics: {error}") from None
        known = {each.dataset for each in self.topics}
        for place, dataset in self._named():
            if dataset not in known:
                raise ValueError(f"{place} names the dataset {dataset}, which no topic carries")
        aggregates = [each.name for each in self.aggregates]
        if len(set(aggregates)) != len(aggregates):
            raise ValueError("aggregates must name each aggregate once")
        self.kpi.check(AnyOf(tuple(names)), {each.name: each for each in self.aggregates})
        return self

    def _named(self) -> list[tuple[str, str]]:
        return [
            *(("datasets", name) for name in self.datasets),
            *(("masking.fields", name) for name in self.masking.fields),
            *(("masking.links", name) for name in self.masking.links),
            *((f"aggregates.{each.name}", each.dataset) for each in self.aggregates),
        ]

    def dataset_of(self, topic: str) -> str:
        """Returns the dataset of a topic that is read.

        Raises:
            ConfigurationError: It belongs to two entries, or to none.
        """
        place = place_of(topic, [each.name for each in self.topics])
        if place is None:
            raise ConfigurationError(f"no entry of topics covers the topic {topic}", "Add one")
        return self.topics[place].dataset

    def carrying(self, datasets: Container[str]) -> AnyOf:
        """Returns the topics that carry some datasets."""
        return AnyOf(tuple(each.name for each in self.topics if each.dataset in datasets))

    def lengths(self, dataset: str) -> dict[str, int]:
        """Returns the declared bytes of a dataset's texts in the warehouse, by column."""
        return self.datasets.get(dataset, DatasetConfig()).lengths

    def readers(self) -> dict[str, AvroSchema]:
        """Returns each dataset's reader schema, in the order of the topics."""
        return {each.dataset: each.reader() for each in self.topics}
