import contextlib
import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runners.local.redshift.copy import BinaryRows, Column
from runners.local.redshift.copy.manifest import SourceFile
from runners.local.redshift.errors import SqlError


class Folder:
    """Files of a folder in the place of objects."""

    def __init__(self, path):
        self.path = path

    @contextlib.contextmanager
    def spooled(self, url):
        path = self.path / url.removeprefix("s3://b/")
        path.stat()
        yield path


@pytest.fixture
def load(tmp_path):
    """Encodes columns of one file for columns of a table; returns the rows' bytes."""

    def call(arrays, *columns):
        pq.write_table(pa.table(arrays), tmp_path / "f")
        rows = BinaryRows(Folder(tmp_path), FILES, columns)
        return rows, b"".join(rows.chunks())

    return call


def column(kind, **more):
    return Column(name="c", type=kind, **more)


VARCHAR = "character varying"
UTC = "UTC"
FILES = [SourceFile(url="s3://b/f", size=1)]
WHEN = datetime.datetime(2026, 1, 2)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([1, None], pa.int16()), "smallint"),
        (pa.array([1], pa.int32()), "integer"),
        (pa.array([1], pa.int64()), "bigint"),
        (pa.array([1.5], pa.float32()), "real"),
        (pa.array([1.5]), "double precision"),
        (pa.array([True]), "boolean"),
        (pa.array([datetime.date(2026, 1, 2)]), "date"),
        (pa.array([WHEN], pa.timestamp("us")), "timestamp without time zone"),
        (pa.array([WHEN], pa.timestamp("ms", UTC)), "timestamp without time zone"),
        (pa.array([Decimal("1.25")], pa.decimal128(5, 2)), "numeric(9,2)"),
        (pa.array(["é"]), VARCHAR),
        (pa.array(["a"]).dictionary_encode(), VARCHAR),
        (pa.array(["a"], pa.large_string()), VARCHAR),
        (pa.array([b"a"]), "bytea"),
    ],
)
def test_types_that_are_exactly_right_are_loaded(load, array, kind):
    rows, data = load({"c": array}, column(kind, most_bytes=9 if kind == VARCHAR else None))
    assert rows.count == len(array)
    assert data.startswith(b"PGCOPY\n")
    assert data.endswith(b"\xff\xff")


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([["é"], [], None, [None]]), ['["é"]', "[]", None, "[null]"]),
        (pa.array([{"a": 1, "b": []}, None]), ['{"a":1,"b":[]}', None]),
    ],
)
def test_nested_values_become_json_each_in_its_row(load, array, texts):
    _, data = load({"c": array}, column("text"))
    fields = [b"\xff" * 4 if t is None else _counted(t.encode()) for t in texts]
    assert b"".join(b"\0\1" + field for field in fields) + b"\xff\xff" in data


def _counted(text):
    return len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize(
    ("array", "kind", "told"),
    [
        (
            pa.array([1], pa.int64()),
            "integer",
            "Column type: INTEGER, Parquet schema: optional int64",
        ),
        (pa.array([1], pa.int32()), "bigint", "Column type: BIGINT"),
        (pa.array([1.5]), "numeric(9,2)", "Parquet schema: optional double c"),
        (pa.array([Decimal("1.5")], pa.decimal128(9, 1)), "numeric(9,2)", "NUMERIC"),
        (pa.array([Decimal("1.25")], pa.decimal128(12, 2)), "numeric(9,2)", "NUMERIC"),
        (pa.array([1]), VARCHAR, "VARCHAR"),
        (pa.array(["1"]), "bytea", "BYTEA"),
        (pa.array([[1]]), VARCHAR, "VARCHAR"),
    ],
)
def test_other_types_are_refused_with_both_named(load, array, kind, told):
    with pytest.raises(SqlError, match="Spectrum Scan Error") as caught:
        load({"c": array}, column(kind))
    assert "has an incompatible Parquet schema for column" in caught.value.detail
    assert told in caught.value.detail


def test_nanoseconds_are_refused(tmp_path):
    array = pa.array([WHEN], pa.timestamp("ns"))
    pq.write_table(pa.table({"c": array}), tmp_path / "f", version="2.6")
    kind = column("timestamp without time zone")
    with pytest.raises(SqlError, match="Spectrum"):
        list(BinaryRows(Folder(tmp_path), FILES, [kind]).chunks())


def test_lengths_are_bytes_and_no_value_is_told(load):
    with pytest.raises(SqlError) as caught:
        load({"c": ["éée"]}, column(VARCHAR, most_bytes=4))
    assert "Table: 4, Data: 5" in caught.value.detail
    assert "é" not in caught.value.detail


def test_null_in_a_required_column_is_refused(load):
    with pytest.raises(SqlError) as caught:
        load({"c": pa.array([1, None], pa.int32())}, column("integer", required=True))
    assert "does not allow NULL" in caught.value.detail


class TestNumberOfColumns:
    two = (Column(name="a", type="integer"), Column(name="b", type=VARCHAR, most_bytes=3))
    one = {"a": pa.array([1], pa.int32())}  # noqa: RUF012

    def test_another_number_is_refused(self, load):
        with pytest.raises(SqlError) as caught:
            load(self.one, *self.two)
        assert "Table columns: 2, Data columns: 1" in caught.value.detail

    def test_more_are_too(self, load):
        with pytest.raises(SqlError):
            load(self.one | {"b": ["x"], "c": ["y"]}, *self.two)


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"PAR1 but no more")
    rows = BinaryRows(Folder(tmp_path), FILES, [column("date")])
    with pytest.raises(SqlError) as caught:
        list(rows.chunks())
    assert "is not valid Parquet" in caught.value.detail


def test_a_file_that_vanished_is_refused(tmp_path):
    rows = BinaryRows(Folder(tmp_path), FILES, [column("date")])
    with pytest.raises(SqlError) as caught:
        list(rows.chunks())
    assert "does not exist" in caught.value.detail
