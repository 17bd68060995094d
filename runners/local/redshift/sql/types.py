"""Column types of Redshift, and what stands for them in PostgreSQL."""

from dataclasses import dataclass

from runners.local.redshift.errors import refused
from runners.local.redshift.sql.lexer import Statement

__all__ = ["ColumnType", "column_type"]

_PLAIN = {
    "smallint": "smallint", "int2": "smallint",
    "integer": "integer", "int": "integer", "int4": "integer",
    "bigint": "bigint", "int8": "bigint",
    "real": "real", "float4": "real",
    "double precision": "double precision", "float8": "double precision",
    "float": "double precision",
    "boolean": "boolean", "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp", "timestamp without time zone": "timestamp", "datetime": "timestamp",
    "timestamptz": "timestamptz", "timestamp with time zone": "timestamptz",
    "time": "time", "time without time zone": "time",
    # As its text: drivers get SUPER as JSON text anyhow, and navigation is refused.
    "super": "text",
}  # fmt: skip
#: Name -> (PostgreSQL's, bytes without a length, most bytes).
_BYTES = {
    "varchar": ("varchar", 256, 65_535), "character varying": ("varchar", 256, 65_535),
    "nvarchar": ("varchar", 256, 65_535), "text": ("varchar", 256, 65_535),
    "char": ("char", 1, 4_096), "character": ("char", 1, 4_096), "nchar": ("char", 1, 4_096),
    "bpchar": ("char", 256, 4_096),
    "varbyte": ("bytea", 64_000, 16_777_216), "varbinary": ("bytea", 64_000, 16_777_216),
    "binary varying": ("bytea", 64_000, 16_777_216),
}  # fmt: skip
_NAMES = sorted([*_PLAIN, *_BYTES, "decimal", "numeric"], key=len, reverse=True)
_MOST_DIGITS = 38


@dataclass(frozen=True)
class ColumnType:
    """A type as PostgreSQL has to make it.

    Attributes:
        sql: its name there.
        most_bytes: the length that a CHECK has to keep, None if there is none.
        end: position after the type.
    """

    sql: str
    most_bytes: int | None
    end: int


def column_type(sql: Statement, at: int) -> ColumnType:
    """Reads the type at a position.

    Raises:
        SqlError: Redshift has no such type, or the stand-in hasn't.
    """
    name = next((name for name in _NAMES if sql.says(at, *name.split())), None)
    if name is None:
        raise refused(f"column type {sql.word(at).upper()}: not supported")
    end = at + len(name.split())
    numbers: list[str] = []
    if sql.word(end) == "(":
        close = sql.close(end)
        numbers = [sql.word(first) for first, _ in sql.parts(end + 1, close)]
        end = close + 1
    # "timestamp without time zone" is the longest name, so it is found before "timestamp".
    if name in _PLAIN:
        return ColumnType(_PLAIN[name], None, end)
    if name in _BYTES:
        return _sized(name, numbers, end)
    return _decimal(numbers, end)


def _sized(name: str, numbers: list[str], end: int) -> ColumnType:
    kind, usual, most = _BYTES[name]
    length = usual if not numbers else most if numbers[0] == "max" else int(numbers[0])
    if not 1 <= length <= most:
        raise refused(f"length {length} of {name.upper()}: from 1 to {most} bytes", "42601")
    # VARCHAR has no length of its own there: it counts characters, and views forbid to widen it.
    return ColumnType(f"char({length})" if kind == "char" else kind, length, end)


def _decimal(numbers: list[str], end: int) -> ColumnType:
    precision, scale = [*map(int, numbers), *(18, 0)[len(numbers) :]]
    if not (1 <= precision <= _MOST_DIGITS and 0 <= scale <= precision):
        raise refused(f"DECIMAL({precision},{scale}): at most {_MOST_DIGITS} digits", "42601")
    return ColumnType(f"numeric({precision},{scale})", None, end)
