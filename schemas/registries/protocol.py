"""What every schema registry can do."""

from dataclasses import dataclass
from typing import Protocol

from schemas.model import AvroSchema

__all__ = ["RegisteredSchema", "SchemaRegistry"]


@dataclass(frozen=True)
class RegisteredSchema:
    """A schema as a registry knows it.

    Attributes:
        id: The id that messages carry, as text (see `schemas.wire.WireFormat`).
        subject: What it is registered under; in AWS Glue the schema's name.
        version: From 1, in the order of registration; deleted ones leave holes.
        schema: The schema itself.
    """

    id: str
    subject: str
    version: int
    schema: AvroSchema


class SchemaRegistry(Protocol):
    """A registry. Implementations pickle as address and settings and connect at the first call.

    All methods raise `RegistryUnavailableError` for an outage (the same call may succeed later),
    `RegistryRefusedError` for a lasting "no", `SchemaParseError` for a schema that isn't Avro.
    """

    def schema_by_id(self, schema_id: str) -> AvroSchema:
        """Returns the schema of an id that came with a message.

        Raises:
            UnknownSchemaError: The registry doesn't know the id (yet).
        """
        ...

    def subjects(self) -> list[str]:
        """Returns all subjects, sorted."""
        ...

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """Returns a subject's versions, oldest first; empty for an unknown subject."""
        ...

    def register(self, subject: str, schema: AvroSchema) -> str:
        """Registers a schema as the newest version of a subject and returns its id.

        Guarantees:
            Registering the same schema again changes nothing and returns the same id.
        """
        ...
