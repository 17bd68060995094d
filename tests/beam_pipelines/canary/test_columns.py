import datetime
from decimal import Decimal

import pyarrow as pa

from beam_pipelines.canary.columns import column_texts


def texts(array: pa.Array) -> dict[str, bytes]:
    return dict(column_texts(pa.table({"c": array})))


def test_values_stand_in_lines_of_their_own():
    assert texts(pa.array(["12", None, "34"])) == {"c": b"12\n34"}
    assert texts(pa.array([b"\xff", b"a"])) == {"c": b"\xff\na"}
    assert texts(pa.array(["12", "34"], pa.large_string())) == {"c": b"12\n34"}
    assert texts(pa.array([b"ab"], pa.binary(2))) == {"c": b"ab"}


def test_dictionaries_are_read_with_values_that_no_row_has():
    array = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["used", "unused"]))
    assert texts(array) == {"c": b"used\nunused"}


def test_nested_values_are_found():
    assert texts(pa.array([["a"], [], None, ["b", "c"]])) == {"c": b"a\nb\nc"}
    assert texts(pa.array([{"x": {"y": "deep"}}])) == {"c.x.y": b"deep"}
    made = pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string()))
    assert texts(made) == {"c.key": b"k", "c": b"v"}


def test_numbers_are_written_out():
    assert texts(pa.array([999030002, None])) == {"c": b"999030002"}
    assert texts(pa.array([Decimal("5.10")])) == {"c": b"5.10"}


def test_what_no_canary_can_be_is_left_out():
    assert texts(pa.array([datetime.date(2026, 1, 1)])) == {}
    assert texts(pa.array([True])) == {}
    assert texts(pa.nulls(3, pa.string())) == {}


def test_a_slice_shows_its_own_values_only():
    assert texts(pa.array(["a", "b", "c"])[1:2]) == {"c": b"b"}
