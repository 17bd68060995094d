"""The configuration file: strict, and with errors that name the key."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from schemas.errors import SchemasError
from schemas.model import AvroSchema
from schemas.wire import WireFormat
from transforms.errors import ConfigurationError
from transforms.secrets import is_reference

#: How long an outage is waited out before a partition fails, in seconds.
Patience = Annotated[float, Field(gt=0, le=86_400)]


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
    """What the lake is, on which all runs must agree, and how long this run waits for S3."""

    policy: str = "ops"
    kms_key_id: str | None = None
    patience_s: Patience = 120.0
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 20.0

    @model_validator(mode="after")
    def _check(self) -> "LakeConfig":
        if self.policy != "ops":
            raise ValueError(f"policy must be ops (masks don't exist yet), got {self.policy}")
        return self


class KafkaConfig(_Strict):
    """librdkafka settings; secrets as references."""

    config: dict[str, str] = {}
    group_id: str = "pharmabeam"
    patience_s: Patience = 120.0


class SegmentConfig(_Strict):
    """When a segment is large enough."""

    messages: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    bytes: Annotated[int, Field(ge=1, le=1 << 30)] = 64 * 1024 * 1024


class TopicConfig(_Strict):
    """What a topic carries and where its rows go."""

    topic: str
    dataset: str
    wire_format: WireFormat = WireFormat.CONFLUENT
    schema_file: str | None = None
    event_time: str | None = None
    source_systems: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "TopicConfig":
        # Pydantic adds the place only to a ValueError; any other error would lose it.
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
    kafka: KafkaConfig = KafkaConfig()
    segment: SegmentConfig = SegmentConfig()

    @model_validator(mode="after")
    def _check(self) -> "PharmacyConfig":
        names = [each.topic for each in self.topics]
        if len(set(names)) != len(names):
            raise ValueError("topics must name each topic once")
        return self


def load_config(path: str | None) -> PharmacyConfig:
    """Reads a configuration file; the packaged one if none is named.

    Raises:
        ConfigurationError: The file can't be read, or a key is wrong; names it and the rule.
    """
    where = path or "the packaged pharmacy.yaml"
    try:
        text = (
            Path(path).read_text(encoding="utf-8")
            if path
            else files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text()
        )
        return PharmacyConfig.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise ConfigurationError(
            f"the configuration {where} can't be read ({error.strerror})", "Check --config"
        ) from error
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"the configuration {where} is not UTF-8 text", "Save it as UTF-8"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"the configuration {where} is no YAML{_line(error)}", "Correct it"
        ) from error
    except ValidationError as error:
        raise ConfigurationError(_fault(where, error), "Correct it or take it out") from error


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def _fault(where: str, error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    said = first["msg"].removeprefix("Value error, ")
    rule = "is not a known key" if first["type"] == "extra_forbidden" else said
    return f"the configuration {where}: {key}: {rule}"
