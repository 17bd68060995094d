"""Columns of a table against those of a Parquet file: exact widths, as the strictest reader.

What passes here passes on Redshift; Redshift's own reader may take more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from runners.local.redshift.errors import SqlError, refused

__all__ = ["CATALOG", "Column", "arrow_type", "check", "columns_of", "spectrum_error"]

#: Columns of the table whose name replaces ``{}``, in order.
CATALOG = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       split_part(k.conname, '_', 3)
FROM pg_attribute a LEFT JOIN pg_constraint k
  ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum] AND k.conname LIKE 'rs\\_len\\_%'
WHERE a.attrelid = {}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_EXACT = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "bytea": pa.binary(),
    "text": pa.string(),
}
_CODE = 15007


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the target.

    Attributes:
        name: as in the catalog.
        type: as ``format_type`` says.
        required: NOT NULL.
        most_bytes: its length, None if it has none.
    """

    name: str
    type: str
    required: bool = False
    most_bytes: int | None = None

    @property
    def is_super(self) -> bool:
        """Whether it is SUPER, kept as JSON text; no other type is TEXT."""
        return self.type == "text"

    @property
    def redshift_type(self) -> str:
        """The type as Redshift's messages name it."""
        if self.is_super:
            return "SUPER"
        name = self.type.upper().replace("CHARACTER VARYING", "VARCHAR")
        return f"{name}({self.most_bytes})" if self.most_bytes else name


def columns_of(catalog: list[list[str | None]]) -> list[Column]:
    """Returns a table's columns as ``CATALOG`` tells them: files must have theirs in this order.

    Raises:
        SqlError: COPY can't load one of them.
    """
    found = [
        Column(
            name=str(name),
            type=str(kind),
            required=required == "t",
            most_bytes=int(length) if length else None,
        )
        for name, kind, required, length in catalog
    ]
    for column in found:
        if arrow_type(column) is None:
            raise refused(f"COPY of Parquet into {column.redshift_type}")
    return found


def arrow_type(column: Column) -> pa.DataType | None:
    """Returns the type that a file's column is cast to, None if COPY can't load such a column."""
    if column.type == "character varying":
        return pa.string()
    if match := re.fullmatch(r"numeric\((\d+),(\d+)\)", column.type):
        return pa.decimal128(int(match.group(1)), int(match.group(2)))
    return _EXACT.get(column.type)


def check(columns: Sequence[Column], file: pq.ParquetFile, url: str) -> None:
    """Compares a file's schema with the target's columns, by position.

    Raises:
        SqlError: another number of columns, or a type that doesn't fit.
    """
    found = file.schema_arrow
    if len(columns) != len(found):
        counts = f"Table columns: {len(columns)}, Data columns: {len(found)}"
        text = "Unmatched number of columns between table and file."
        raise spectrum_error(f"{text} {counts}, File name: {_https(url)}")
    # Parquet's own columns are leaves: without nested ones they are as many.
    for column, field in zip(columns, found, strict=True):
        if not (column.is_super or _fits(arrow_type(column), field.type)):
            raise _incompatible(column, file, field.name, url)


def _fits(wanted: pa.DataType | None, found: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if wanted is None:
        return False
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if pa.types.is_decimal(wanted):
        fits = pa.types.is_decimal128(found) and found.scale == wanted.scale
        return bool(fits and found.precision <= wanted.precision)
    if pa.types.is_timestamp(wanted):
        # Nanoseconds would be read as years far away.
        return bool(pa.types.is_timestamp(found) and found.unit in ("ms", "us"))
    return bool(found == wanted)


def _incompatible(column: Column, file: pq.ParquetFile, name: str, url: str) -> SqlError:
    leaves = [file.schema.column(i) for i in range(len(file.schema))]
    leaf = next(each for each in leaves if each.path.split(".")[0] == name)
    presence = "optional" if leaf.max_definition_level else "required"
    levels = f"d:{leaf.max_definition_level} r:{leaf.max_repetition_level}"
    schema = (
        f"{presence} {leaf.physical_type.lower()} {leaf.path} [i:{leaves.index(leaf)} {levels}]"
    )
    text = (
        f"File '{_https(url)}' has an incompatible Parquet schema for column '{url}.{name}'. "
        f"Column type: {column.redshift_type}, Parquet schema: {schema}"
    )
    return spectrum_error(text)


def spectrum_error(text: str) -> SqlError:
    """Returns the error of Redshift's Parquet reader: everything is in its detail."""
    lines = ("error:  Spectrum Scan Error", f"code:      {_CODE}", f"context:   {text}")
    bar = "-" * 47
    return SqlError("XX000", "Spectrum Scan Error", "\n".join(["", bar, *lines, bar]))


def _https(url: str) -> str:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return f"https://s3.local.amazonaws.com/{bucket}/{key}"
