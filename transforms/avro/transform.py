"""``EnforceSchema``: from raw messages to typed rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from schemas.registries import open_registry
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.errors import ConfigurationError
from transforms.guard import guarded
from transforms.secrets import resolve_all
from transforms.segment import Segment
from transforms.topics import place_of


@dataclass(frozen=True, kw_only=True)
class EnforceSchemaConfig:
    """Which topic carries what, and where writer schemas are looked up.

    Attributes:
        contracts: One per topic or pattern.
        registry: ``package:``, ``file:DIR``, ``http(s)://...`` or ``glue:NAME``.
        registry_settings: Passed on to the registry's client; secrets as references.
        patience_s: How long an outage of the registry is waited out, in seconds.
    """

    contracts: Sequence[TopicContract]
    registry: str = "package:"
    registry_settings: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        names = [contract.name for contract in self.contracts]
        if not names or len(set(names)) != len(names):
            raise ConfigurationError(
                f"contracts must name each topic once, got {', '.join(map(str, names))}",
                "One contract a topic",
            )


class EnforceSchema(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Decodes each message with its writer's schema and resolves it to the reader's.

    Guarantees: the verdict on a message is a pure function of its bytes and the schemas. What does
    not decode is a dead letter, byte for byte, and its neighbors are untouched. An outage of the
    registry stops a partition, never drops a message.
    """

    def __init__(self, config: EnforceSchemaConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        decoded: PCollection[Segment] = segments | "DecodeMessages" >> beam.ParDo(
            _EnforceFn(self._config)
        )
        return decoded

    def display_data(self) -> dict[str, Any]:
        """Shows topics and datasets; the registry's address may hold a name, so it stays out."""
        return {
            contract.topic or contract.pattern: contract.dataset
            for contract in self._config.contracts
        }


class _EnforceFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: EnforceSchemaConfig) -> None:
        self._config = config

    def setup(self) -> None:
        config = self._config
        settings = resolve_all(config.registry_settings)
        writers = WriterSchemas(open_registry(config.registry, **settings), config.patience_s)
        self._names = [each.name for each in config.contracts]
        self._plans = [SchemaPlan(each, writers) for each in config.contracts]

    def process(self, segment: Segment) -> Iterator[Segment]:
        yield guarded(self._enforced, segment)

    def _enforced(self, segment: Segment) -> Segment:
        place = place_of(segment.topic, self._names)
        if place is None:
            raise ConfigurationError(
                f"no contract says what the topic {segment.topic} carries", "Give it one"
            )
        return enforce(segment, self._plans[place])
