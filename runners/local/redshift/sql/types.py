"""Column types of Redshift, and what stands for them in PostgreSQL."""

from dataclasses import dataclass

from runners.local.redshift.errors import refused
from runners.local.redshift.sql.lexer import Statement

__all__ = ["ColumnType", "column_type"]

_PLAIN = {
    "smallint": "smallint", "integer": "integer", "int": "integer", "bigint": "bigint",
    "real": "real", "double precision": "double precision", "boolean": "boolean",
    "date": "date", "timestamp": "timestamp",
    # As its text: drivers get SUPER as JSON text anyhow, and navigation is refused.
    "super": "text",
}  # fmt: skip
#: Name -> (PostgreSQL's, most bytes). VARCHAR has no length of its own there: it counts characters,
#: and views forbid to widen it.
_BYTES = {"varchar": ("varchar", 65_535), "varbyte": ("bytea", 16_777_216)}
_NAMES = (*_PLAIN, *_BYTES, "decimal")
_MOST_DIGITS = 38


@dataclass(frozen=True, kw_only=True)
class ColumnType:
    """A type as PostgreSQL has to make it.

    Attributes:
        sql: its name there.
        most_bytes: the length that a CHECK has to keep, None if there is none.
        end: position after the type.
    """

    sql: str
    most_bytes: int | None = None
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
    if name in _PLAIN:
        return ColumnType(sql=_PLAIN[name], end=end)
    if sql.word(end) != "(":
        raise refused(f"{name.upper()} without a length")
    close = sql.close(end)
    numbers = [int(sql.word(first)) for first, _ in sql.parts(end + 1, close)]
    if name == "decimal":
        precision, scale = (*numbers, 0)[:2]
        if not (1 <= precision <= _MOST_DIGITS and 0 <= scale <= precision):
            text = f"DECIMAL({precision},{scale}): at most {_MOST_DIGITS} digits"
            raise refused(text, "42601")
        return ColumnType(sql=f"numeric({precision},{scale})", end=close + 1)
    kind, most = _BYTES[name]
    length = numbers[0]
    if not 1 <= length <= most:
        raise refused(f"length {length} of {name.upper()}: from 1 to {most} bytes", "42601")
    return ColumnType(sql=kind, most_bytes=length, end=close + 1)
