"""Schema registries behind one protocol: files, Confluent-compatible HTTP, AWS Glue."""

from schemas.registries.caching import CachingRegistry
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.opening import open_registry
from schemas.registries.protocol import RegisteredSchema, SchemaRegistry

__all__ = [
    "CachingRegistry",
    "RegisteredSchema",
    "RegistryRefusedError",
    "SchemaRegistry",
    "open_registry",
]
