"""Arrow's types as Redshift's, and which table takes which files."""

import pyarrow as pa
import pytest

from transforms.errors import ConfigurationError
from transforms.redshift.layout import (
    Column,
    ColumnType,
    catalog_column,
    columns_of,
    staging_columns,
)


def typed(kind: pa.DataType, **lengths: int) -> str:
    (column,) = columns_of(pa.schema([pa.field("c", kind)]), lengths)
    return column.type.sql


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (pa.int16(), "SMALLINT"),
        (pa.int32(), "INTEGER"),
        (pa.int64(), "BIGINT"),
        (pa.float32(), "REAL"),
        (pa.float64(), "DOUBLE PRECISION"),
        (pa.bool_(), "BOOLEAN"),
        (pa.date32(), "DATE"),
        (pa.timestamp("ms", "UTC"), "TIMESTAMP"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.decimal128(12, 2), "DECIMAL(12,2)"),
        (pa.string(), "VARCHAR(1024)"),
        (pa.dictionary(pa.int32(), pa.string()), "VARCHAR(1024)"),
        (pa.binary(), "VARBYTE(1024)"),
        (pa.list_(pa.string()), "SUPER"),
        (pa.struct([("a", pa.int32())]), "SUPER"),
    ],
    ids=str,
)
def test_each_type_has_its_counterpart(kind, sql):
    assert typed(kind) == sql


@pytest.mark.parametrize(
    "kind",
    [pa.timestamp("ns"), pa.int8(), pa.uint32(), pa.time64("us"), pa.decimal256(60, 2)],
    ids=str,
)
def test_what_copy_cannot_load_is_refused_by_the_columns_name(kind):
    with pytest.raises(ConfigurationError, match="the column c is"):
        typed(kind)


def test_texts_have_the_length_that_is_declared():
    assert typed(pa.string(), c=20) == "VARCHAR(20)"
    for length in (0, 65_536):
        with pytest.raises(ConfigurationError, match="length of c must be from 1 to 65535 bytes"):
            typed(pa.string(), c=length)


def test_lineage_has_lengths_of_its_own():
    (column,) = columns_of(pa.schema([pa.field("_topic", pa.string())]))
    assert column.type.sql == "VARCHAR(249)"


class TestHolds:
    @pytest.mark.parametrize(
        ("wide", "narrow"),
        [
            (ColumnType("BIGINT"), ColumnType("INTEGER")),
            (ColumnType("VARCHAR", 9), ColumnType("VARCHAR", 8)),
            (ColumnType("DECIMAL", 12, 2), ColumnType("DECIMAL", 9, 2)),
            (ColumnType("DATE"), ColumnType("DATE")),
        ],
    )
    def test_the_wider_holds_the_narrower(self, wide, narrow):
        assert wide.holds(narrow)
        assert wide == narrow or not narrow.holds(wide)

    def test_other_kinds_and_scales_do_not_fit(self):
        assert not ColumnType("TIMESTAMP").holds(ColumnType("DATE"))
        assert not ColumnType("DECIMAL", 12, 3).holds(ColumnType("DECIMAL", 12, 2))


class TestStaging:
    TARGET = (
        Column("_load_id", ColumnType("BIGINT")),
        Column("a", ColumnType("BIGINT")),
        Column("later", ColumnType("DATE")),
        Column("text", ColumnType("VARCHAR", 7)),
    )

    def staged(self, *fields):
        return staging_columns(pa.schema(fields), self.TARGET, "raw_order")

    def test_columns_come_in_the_files_order_with_the_targets_lengths(self):
        found = self.staged(("text", pa.string()), ("a", pa.int32()))
        assert found == (
            Column("text", ColumnType("VARCHAR", 7)),
            Column("a", ColumnType("INTEGER")),
        )

    def test_a_column_that_the_table_lacks_is_refused_with_the_remedy(self):
        with pytest.raises(ConfigurationError, match="has no column new") as caught:
            self.staged(("new", pa.int32()))
        assert "migrate" in caught.value.remedy

    def test_a_type_that_does_not_fit_is_refused(self):
        with pytest.raises(ConfigurationError, match=r"raw_order\.a is BIGINT"):
            self.staged(("a", pa.string()))


@pytest.mark.parametrize(
    ("described", "sql"),
    [
        (("character varying", 20, None, None), "VARCHAR(20)"),
        (("numeric", None, 9, 2), "DECIMAL(9,2)"),
        (("integer", None, 32, 0), "INTEGER"),
        (("timestamp without time zone", None, None, None), "TIMESTAMP"),
        (("super", None, None, None), "SUPER"),
        (("geometry", None, None, None), "GEOMETRY"),
    ],
)
def test_the_catalogs_words_are_understood(described, sql):
    assert catalog_column("c", *described).type.sql == sql
