"""What can go wrong in this package.

::

    SchemasError
    ├── SchemaParseError           never retry: the schema itself is at fault
    ├── IncompatibleSchemaError    never retry: no value of the writer fits the reader
    ├── DatumError                 never retry: one message is at fault -> dead letter
    ├── UnknownSchemaError         retry for a while: registry replicas lag
    └── RegistryUnavailableError   retry with backoff: an outage

Arguments go to ``super().__init__`` and the sentence is made in ``__str__``: an exception that
passes one formatted string up cannot be unpickled on the far side of a worker. No message holds a
value of a datum.
"""


class SchemasError(Exception):
    """Base of every error that this package raises."""


class SchemaParseError(SchemasError):
    """A schema breaks a rule of the Avro specification, or one of ours.

    Args:
        place: Dotted path inside the schema, such as ``DispenseEvent.ndc``.
        rule: The rule that is broken, as the end of a sentence that begins with the place.
        remedy: What to do about it; may be empty.
    """

    def __init__(self, place: str, rule: str, remedy: str = "") -> None:
        super().__init__(place, rule, remedy)
        self.place = place
        self.rule = rule
        self.remedy = remedy

    def __str__(self) -> str:
        return f"schema {self.place}: {self.rule}" + (f"; {self.remedy}" if self.remedy else "")


class IncompatibleSchemaError(SchemasError):
    """No datum of the writer schema can be read with the reader schema.

    Args:
        writer: Full name of the writer schema.
        reader: Full name of the reader schema.
        field: Dotted path of the first field, in the reader's order, that cannot be resolved.
        rule: The rule of schema resolution that is broken.
    """

    def __init__(self, writer: str, reader: str, field: str, rule: str) -> None:
        super().__init__(writer, reader, field, rule)
        self.writer = writer
        self.reader = reader
        self.field = field
        self.rule = rule

    def __str__(self) -> str:
        place = f"field {self.field}" if self.field else "the whole schema"
        return (
            f"{self.reader} cannot read what {self.writer} wrote: {place}: {self.rule}; "
            "give the reader's field a default, an alias or a wider type"
        )


class DatumError(SchemasError):
    """One datum is not a value of its writer schema, or its reader cannot hold it.

    Args:
        code: One of ``schemas.strict.CODES``.
        field: Dotted path of the field where the error shows; empty for the whole datum. Items of
            an array are ``name.item``; entries of a map are ``name.key`` and ``name.value``.
    """

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code, field)
        self.code = code
        self.field = field

    def __str__(self) -> str:
        return f"datum refused: {self.code}" + (f" at field {self.field}" if self.field else "")


class UnknownSchemaError(SchemasError):
    """No registry knows this schema id (yet).

    Args:
        schema_id: The id as the message names it: a Confluent id, a Glue UUID, or a fingerprint.
    """

    def __init__(self, schema_id: str) -> None:
        super().__init__(schema_id)
        self.schema_id = schema_id

    def __str__(self) -> str:
        return f"schema id {self.schema_id} is not registered; register it, then replay"


class RegistryUnavailableError(SchemasError):
    """A registry does not answer; the same call may succeed later.

    Args:
        registry: Which registry, without credentials.
        reason: What happened, without the answer's body.
    """

    def __init__(self, registry: str, reason: str) -> None:
        super().__init__(registry, reason)
        self.registry = registry
        self.reason = reason

    def __str__(self) -> str:
        return f"registry {self.registry} is unavailable: {self.reason}; will be tried again"
