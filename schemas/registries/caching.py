"""A cache before a registry, and the look-up of single-object fingerprints."""

import re
from typing import Any

from schemas.compatibility import Level, check
from schemas.errors import UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.protocol import RegisteredSchema, SchemaRegistry

__all__ = ["CachingRegistry"]

# No other id looks like this: Confluent's have at most 10 digits, AWS Glue's 36 characters.
_FINGERPRINT = re.compile("[0-9a-f]{16}")


class CachingRegistry:
    """Remembers the schemas of ids, which never change; an unknown id is asked for each time.

    Ids of 16 hex digits are CRC-64-AVRO fingerprints and are looked up among all registered
    schemas, since registries don't index by them.

    Args:
        registry: The registry behind.
    """

    def __init__(self, registry: SchemaRegistry) -> None:
        self._registry = registry
        self._by_id: dict[str, AvroSchema] = {}

    def schema_by_id(self, schema_id: str) -> AvroSchema:
        """See `SchemaRegistry`."""
        if schema_id not in self._by_id:
            find = self._by_fingerprint if _FINGERPRINT.fullmatch(schema_id) else self._by_number
            self._by_id[schema_id] = find(schema_id)
        return self._by_id[schema_id]

    def subjects(self) -> list[str]:
        """See `SchemaRegistry`."""
        return self._registry.subjects()

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """See `SchemaRegistry`."""
        return self._registry.versions(subject)

    def register(self, subject: str, schema: AvroSchema) -> str:
        """See `SchemaRegistry`."""
        return self._registry.register(subject, schema)

    def _by_number(self, schema_id: str) -> AvroSchema:
        return self._registry.schema_by_id(schema_id)

    def _by_fingerprint(self, schema_id: str) -> AvroSchema:
        fingerprint = int(schema_id, 16)
        found = [
            known.schema
            for subject in self._registry.subjects()
            for known in self._registry.versions(subject)
            if known.schema.fingerprint == fingerprint
        ]
        if not found:
            raise UnknownSchemaError(schema_id)
        self._require_one_meaning(schema_id, found)
        return found[-1]

    def _require_one_meaning(self, schema_id: str, found: list[AvroSchema]) -> None:
        """The canonical form drops logical types: one fingerprint may stand for two scales."""
        if check(found[-1], found[:-1], Level.FULL_TRANSITIVE):
            raise RegistryRefusedError(
                repr(self._registry),
                f"fingerprint {schema_id} names schemas that differ in logical types",
                "delete the wrong one, or send messages with the registry's own ids",
            )

    def __repr__(self) -> str:
        return repr(self._registry)

    def __reduce__(self) -> tuple[Any, ...]:
        return CachingRegistry, (self._registry,)
