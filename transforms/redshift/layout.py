"""Columns of tables: what Arrow's types become on Redshift, and which of them fit which.

COPY of Parquet goes by position and wants the same number of columns (Redshift's "COPY from
columnar data formats"), so a staging table has exactly its file's columns, in the file's order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.limits import (
    DayRange,
    JsonBytes,
    Limit,
    MostBytes,
    NestedTextBytes,
    NoNul,
    TimeRange,
)

#: Bytes of a text of which nothing is declared. Redshift plans memory by the declared width, so
#: generous is not the most that it takes, 65,535.
DEFAULT_LENGTH: Final = 1024
#: Bytes of the texts that every table has; Kafka's longest topic name is 249 characters.
_KNOWN_LENGTHS: Final[Mapping[str, int]] = {
    "_topic": 249,
    "_topic_id": 36,
    "_schema_id": 64,
    "_warnings": 1024,
}
_MOST_BYTES: Final = 65_535
_MOST_DIGITS: Final = 38
#: Of one SUPER ("Limitations" of the type).
_SUPER_BYTES: Final = 16 * 1024 * 1024
#: DATE and TIMESTAMP span 4713 BC to the year 294276 ("Datetime types"), in days since 1970. Whole
#: years, so that windows around a time begin and end within the span, too: microseconds of 64 bits
#: end ten days into 294247.
_FIRST_DAY: Final = -2_440_550
_LAST_DAY: Final = 106_762_939
_LAST_DAY_OF_TIMES: Final = 106_751_981
_DAY_US: Final = 86_400_000_000

_PLAIN: Final[Mapping[pa.DataType, str]] = {
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "REAL",
    pa.float64(): "DOUBLE PRECISION",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}
#: What ``svv_columns`` calls them.
_IN_CATALOG: Final[Mapping[str, str]] = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "REAL",
    "double precision": "DOUBLE PRECISION",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp without time zone": "TIMESTAMP",
    "character varying": "VARCHAR",
    "binary varying": "VARBYTE",
    "numeric": "DECIMAL",
    "super": "SUPER",
}
_INTEGERS: Final = ("SMALLINT", "INTEGER", "BIGINT")
_SIZED: Final = ("VARCHAR", "VARBYTE")
_LIMITS: Final[Mapping[str, tuple[Limit, ...]]] = {
    "DATE": (DayRange(_FIRST_DAY, _LAST_DAY, "4713 BC to 294276"),),
    "TIMESTAMP": (
        TimeRange(
            _FIRST_DAY * _DAY_US, (_LAST_DAY_OF_TIMES + 1) * _DAY_US - 1, "4713 BC to 294246"
        ),
    ),
    "SUPER": (NestedTextBytes(_MOST_BYTES), JsonBytes(_SUPER_BYTES)),
}


@dataclass(frozen=True)
class ColumnType:
    """A type of Redshift.

    Attributes:
        kind: Its name, such as ``VARCHAR``.
        length: Of VARCHAR and VARBYTE the most bytes; of DECIMAL the digits.
        scale: Of DECIMAL the digits after the point.
    """

    kind: str
    length: int | None = None
    scale: int | None = None

    @property
    def sql(self) -> str:
        """As CREATE TABLE takes it."""
        sizes = [str(n) for n in (self.length, self.scale) if n is not None]
        return f"{self.kind}({','.join(sizes)})" if sizes else self.kind

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What a value must keep to beyond what Arrow's type makes sure of.

        DECIMAL has none, Arrow keeps its digits; nor have REAL and DOUBLE PRECISION, which take
        infinities and what is no number.
        """
        if self.kind in _SIZED:
            assert self.length is not None
            # A NUL ends a text of Redshift's: COPY fails, or cuts it ("Preparing your input data").
            nul = (NoNul(),) if self.kind == "VARCHAR" else ()
            return (MostBytes(self.length), *nul)
        return _LIMITS.get(self.kind, ())

    def holds(self, other: "ColumnType") -> bool:
        """Tells whether each value of another type fits, with no loss and no explicit cast."""
        if self.kind in _INTEGERS and other.kind in _INTEGERS:
            return _INTEGERS.index(self.kind) >= _INTEGERS.index(other.kind)
        if self.kind != other.kind or self.scale != other.scale:
            return False
        return (self.length or 0) >= (other.length or 0)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        type: Its type.
    """

    name: str
    type: ColumnType


def columns_of(schema: pa.Schema, lengths: Mapping[str, int] | None = None) -> tuple[Column, ...]:
    """Returns the columns for a data file's rows.

    Args:
        schema: The file's.
        lengths: Bytes of texts by column; ``DEFAULT_LENGTH`` for the others.

    Raises:
        ConfigurationError: Redshift has no type for a column; names it.
    """
    columns = []
    for field, found in _typed(schema, lengths):
        if found is None:
            raise ConfigurationError(
                f"the column {field.name} is {_value_type(field)}, which COPY from Parquet can't "
                "load",
                "Cast it before the lake: int16 or wider, timestamps of ms or us, decimals of 38 "
                "digits",
            )
        columns.append(Column(field.name, found))
    return tuple(columns)


def loadable_columns(
    schema: pa.Schema, lengths: Mapping[str, int] | None = None
) -> tuple[Column, ...]:
    """Does as ``columns_of``, and leaves out the columns that Redshift has no type for."""
    return tuple(Column(f.name, found) for f, found in _typed(schema, lengths) if found is not None)


def catalog_column(name: str, kind: str, length: Any, digits: Any, scale: Any) -> Column:
    """Returns a column as ``svv_columns`` describes it."""
    known = _IN_CATALOG.get(kind, kind.upper())
    if known == "DECIMAL" and digits is not None:  # A view's may have any number of digits.
        return Column(name, ColumnType(known, _number(digits), _number(scale)))
    return Column(name, ColumnType(known, _number(length) if known in _SIZED else None))


def _number(found: Any) -> int | None:
    """Returns a size; views and other people's tables in the schema may have none."""
    return None if found is None else int(found)


def staging_columns(schema: pa.Schema, target: Iterable[Column], table: str) -> tuple[Column, ...]:
    """Returns the columns of the staging table for files of one layout.

    Texts get the target's lengths: a value that is too long must fail in COPY, where the file is
    known, and not in the INSERT that follows.

    Args:
        schema: The files'.
        target: The columns of the table that the rows go to.
        table: Its name, for the message.

    Raises:
        ConfigurationError: The target lacks a column, or has it of a type that doesn't hold it.
    """
    there = {column.name: column for column in target}
    lengths = {c.name: c.type.length for c in there.values() if c.type.kind in _SIZED}
    staged = columns_of(schema, {name: size for name, size in lengths.items() if size})
    for column in staged:
        found = there.get(column.name)
        if found is None:
            raise ConfigurationError(
                f"the table {table} has no column {column.name}, and the lake has rows with it",
                "Run python -m beam_pipelines.warehouse migrate with the lake's configuration",
            )
        if not found.type.holds(column.type):
            raise ConfigurationError(
                f"the column {table}.{column.name} is {found.type.sql}, and the lake has rows "
                f"where it is {column.type.sql}",
                "A type can't be changed in place: write a migration that makes the table anew",
            )
    return staged


def check_room(wanted: Iterable[Column], target: Iterable[Column], table: str) -> None:
    """Refuses a table whose texts have less room than is declared, before a row is lost to it.

    Args:
        wanted: The table's columns as they are declared: the lake may hold texts of that length.
        target: Those that it has.
        table: Its name, for the message.

    Raises:
        ConfigurationError: Names the first such column.
    """
    there = {column.name: column.type for column in target}
    for column in wanted:
        found = there.get(column.name)
        if found and found.kind == "VARCHAR" and not found.holds(column.type):
            raise ConfigurationError(
                f"the column {table}.{column.name} is {found.sql}, and declared as "
                f"{column.type.sql}",
                "Run python -m beam_pipelines.warehouse migrate with this configuration",
            )


def _typed(
    schema: pa.Schema, lengths: Mapping[str, int] | None
) -> Iterator[tuple[pa.Field, ColumnType | None]]:
    declared = {**_KNOWN_LENGTHS, **(lengths or {})}
    for field in schema:
        yield field, _type(field, declared.get(field.name, DEFAULT_LENGTH))


def _type(field: pa.Field, length: int) -> ColumnType | None:
    kind = _value_type(field)
    if kind in _PLAIN:
        return ColumnType(_PLAIN[kind])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ColumnType("VARCHAR", _bytes(field.name, length))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return ColumnType("VARBYTE", _bytes(field.name, length))
    if pa.types.is_timestamp(kind) and kind.unit in ("ms", "us"):
        return ColumnType("TIMESTAMP")  # UTC: the loader's sessions and readers know no other.
    if pa.types.is_decimal128(kind) and kind.precision <= _MOST_DIGITS and kind.scale >= 0:
        return ColumnType("DECIMAL", kind.precision, kind.scale)
    return ColumnType("SUPER") if pa.types.is_nested(kind) else None


def _value_type(field: pa.Field) -> pa.DataType:
    return field.type.value_type if pa.types.is_dictionary(field.type) else field.type


def _bytes(name: str, length: int) -> int:
    if not 1 <= length <= _MOST_BYTES:
        raise ConfigurationError(
            f"the length of {name} must be from 1 to {_MOST_BYTES} bytes, got {length}",
            "Redshift's VARCHAR counts bytes of UTF-8",
        )
    return length
