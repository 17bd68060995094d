"""Arrow's types as Redshift's, and which table takes which files."""

import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from transforms.errors import ConfigurationError
from transforms.redshift.layout import (
    Column,
    ColumnType,
    catalog_column,
    check_room,
    columns_of,
    loadable_columns,
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


def test_columns_that_can_not_be_loaded_are_left_out_where_that_is_asked_for():
    schema = pa.schema([("at", pa.time64("us")), ("text", pa.string())])
    (column,) = loadable_columns(schema, {"text": 7})
    assert column == Column("text", ColumnType("VARCHAR", 7))


def broken(kind: pa.DataType, values: list) -> list[int]:
    """The numbers of the values that a column of a type doesn't take."""
    (column,) = columns_of(pa.schema([("c", kind)]), {"c": 3})
    held = pa.chunked_array([pa.array(values, kind)])
    found = [limit.broken(held) for limit in column.type.limits]
    return sorted({n for flags in found if flags is not None for n in flags.nonzero()[0].tolist()})


class TestLimits:
    def test_of_a_text_are_its_bytes_and_no_nul(self):
        assert broken(pa.string(), ["abc", "éé", "\0", None]) == [1, 2]

    def test_of_bytes_are_their_number(self):
        assert broken(pa.binary(), [b"\0\0\0", b"1234"]) == [1]

    def test_of_a_date_are_4713_bc_and_the_year_294276(self):
        ends = [np.datetime64("-4712-01-01"), np.datetime64("294276-12-31")]
        first, last = (int(end.astype("datetime64[D]").astype(int)) for end in ends)
        assert broken(pa.date32(), [first - 1, first, None, last, last + 1]) == [0, 4]

    @pytest.mark.parametrize(("unit", "each"), [("us", 1), ("ms", 1000)])
    def test_of_a_time_are_4713_bc_and_the_last_year_that_microseconds_hold(self, unit, each):
        ends = ("-4712-01-01T00:00:00.000000", "294246-12-31T23:59:59.999999")
        first, last = (int(np.datetime64(end).astype(int)) // each for end in ends)
        ticks = [first - 1, first, last, last + 1, 2**63 - 1, -(2**63)]
        assert broken(pa.timestamp(unit, "UTC"), ticks) == [0, 3, 4, 5]

    def test_of_what_is_nested_are_each_text_and_the_whole(self):
        texts = ["x" * 65_535]
        assert broken(pa.list_(pa.string()), [texts, [*texts, "x" * 65_536], texts * 256]) == [1, 2]

    @pytest.mark.parametrize("kind", [pa.float32(), pa.float64()], ids=str)
    def test_numbers_without_a_value_are_taken(self, kind):
        assert broken(kind, [math.nan, math.inf, -math.inf]) == []

    def test_arrow_itself_keeps_the_digits_of_a_decimal(self):
        with pytest.raises(pa.ArrowInvalid):
            pa.array([Decimal("1234.5")], pa.decimal128(4, 1))
        assert broken(pa.decimal128(4, 1), [Decimal("-999.9"), None]) == []


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


class TestRoom:
    HAS = (Column("text", ColumnType("VARCHAR", 7)), Column("n", ColumnType("BIGINT")))

    def test_a_text_with_less_room_than_declared_is_refused_with_the_remedy(self):
        wanted = [Column("text", ColumnType("VARCHAR", 8))]
        with pytest.raises(ConfigurationError, match=r"raw_order\.text is VARCHAR\(7\)") as caught:
            check_room(wanted, self.HAS, "raw_order")
        assert "migrate" in caught.value.remedy

    def test_more_room_other_types_and_new_columns_are_no_matter_of_it(self):
        kinds = {"text": ColumnType("VARCHAR", 6), "n": ColumnType("DATE")}
        wanted = [Column(name, kind) for name, kind in kinds.items()]
        check_room([*wanted, Column("new", ColumnType("VARCHAR", 9))], self.HAS, "raw_order")


@pytest.mark.parametrize(
    ("described", "sql"),
    [
        (("character varying", 20, None, None), "VARCHAR(20)"),
        (("character varying", None, None, None), "VARCHAR"),
        (("numeric", None, 9, 2), "DECIMAL(9,2)"),
        (("numeric", None, None, None), "DECIMAL"),
        (("integer", None, 32, 0), "INTEGER"),
        (("timestamp without time zone", None, None, None), "TIMESTAMP"),
        (("super", None, None, None), "SUPER"),
        (("geometry", None, None, None), "GEOMETRY"),
    ],
)
def test_the_catalogs_words_are_understood(described, sql):
    assert catalog_column("c", *described).type.sql == sql
