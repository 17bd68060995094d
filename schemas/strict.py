"""The strict path: one datum at a time, exact, and the final word on every refused message.

Slow (some 20,000 datums a second), so it serves small batches, schemas that have no columnar form,
rows that the columnar decoder marked, and tests as the oracle.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from schemas.errors import DatumError
from schemas.model import AvroSchema
from schemas.raw_reader import Read, compile_reader, read_datum
from schemas.raw_values import python_maker
from schemas.resolution import resolve
from schemas.resolution_values import compile_resolver

CODES = (
    "block_size",  # a block of an array or map is not as long as it says
    "boolean",  # a byte other than 0 and 1
    "decimal_precision",  # more digits than the schema allows
    "enum_index",  # no such symbol
    "int_range",  # an int outside of 32 bits
    "negative_length",  # of bytes or a string
    "time_of_day",  # negative, or 24 hours and more
    "too_deep",  # a recursive record nested beyond 64 levels: a limit of ours
    "too_many_items",  # more than 1,024 items that take no bytes: a limit of ours
    "trailing_bytes",  # the datum goes on after its last field
    "truncated",  # the datum ends inside the field
    "union_index",  # no such branch
    "unresolvable",  # well formed, but the reader cannot hold it
    "utf8",  # text that is not UTF-8
    "varint_overflow",  # an integer outside of 64 bits
)

_MAX_PLANS = 512  # schema versions that one worker meets; far more than a registry's subjects


def check(writer: AvroSchema, datum: bytes) -> None:
    """Checks that a datum is exactly one value of its writer schema.

    Args:
        writer: The schema it was written with.
        datum: The bytes, without any wire header.

    Raises:
        DatumError: With the first error in field order.
    """
    read_datum(_reader(writer), datum)


def decode(writer: AvroSchema, reader: AvroSchema, datum: bytes) -> Any:
    """Decodes one datum.

    Args:
        writer: The schema it was written with.
        reader: The schema it is wanted in.
        datum: The bytes, without any wire header.

    Returns:
        A dict for a record, with the values that ``fastavro`` gives, but UUIDs as text, and dates
        and timestamps outside of Python's years as integers (see ``raw_values.python_maker``).

    Raises:
        DatumError: It is malformed (whatever ``check`` says), or else ``unresolvable``.
        IncompatibleSchemaError: No datum of the writer can be read by the reader.
    """
    return _python(reader)(raw_decoder(writer, reader)(datum))


@lru_cache(_MAX_PLANS)
def raw_decoder(writer: AvroSchema, reader: AvroSchema) -> Callable[[bytes], Any]:
    """Compiles ``decode`` for a pair of schemas, but to raw values of the reader.

    Args:
        writer: The schema of the datums.
        reader: The schema they are wanted in.

    Returns:
        A function from a datum to a raw value, which raises ``DatumError``.

    Raises:
        IncompatibleSchemaError: No datum of the writer can be read by the reader.
    """
    read = _reader(writer)
    if writer == reader:
        return lambda datum: read_datum(read, datum)
    resolver = compile_resolver(resolve(writer, reader))
    # Malformed beats unresolvable: the whole datum is read before anything is resolved.
    return lambda datum: resolver(read_datum(read, datum))


def verdict(decoder: Callable[[bytes], Any], datum: bytes) -> tuple[Any, DatumError | None]:
    """Decodes without raising.

    Args:
        decoder: From ``raw_decoder``.
        datum: The bytes, without any wire header.

    Returns:
        The raw value and None, or None and the error.
    """
    try:
        return decoder(datum), None
    except DatumError as error:
        return None, error


@lru_cache(_MAX_PLANS)
def _reader(writer: AvroSchema) -> Read:
    return compile_reader(writer.root)


@lru_cache(_MAX_PLANS)
def _python(reader: AvroSchema) -> Callable[[Any], Any]:
    return python_maker(reader.root)
