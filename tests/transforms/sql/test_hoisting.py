"""Calls made ahead give what calls in place give."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sql import Engine, Expression, Function
from transforms.sql.hoisting import Hoisted


def shout(values):
    return pc.utf8_upper(values)


def same(left, right):
    return pc.equal(left, right)


def broken(values):
    raise ValueError("no use")


def function(call, takes=("VARCHAR",), gives="VARCHAR"):
    return Function(name=call.__name__, call=call, takes=takes, gives=gives, doc="Test.")


FUNCTIONS = {
    each.name: each
    for each in (
        function(shout),
        function(same, ("VARCHAR", "VARCHAR"), "BOOLEAN"),
        function(broken),
    )
}


def hoisted(rows, *sqls):
    parsed = [Expression.parse(sql, frozenset(FUNCTIONS)) for sql in sqls]
    made = Hoisted(rows, parsed, FUNCTIONS)
    return made, [made.rewrite(each) for each in parsed]


def test_a_call_becomes_a_column_and_equal_calls_the_same_one():
    made, texts = hoisted(pa.table({"a": ["x", None]}), "shout(a) = 'X'", "shout( A ) IS NULL")
    assert texts == ["_call_1 = 'X'", "_call_1 IS NULL"]
    assert made.table.column("_call_1").to_pylist() == ["X", None]


def test_enums_of_text_are_text():
    rows = pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode(), "b": ["x", "x", "x"]})
    made, texts = hoisted(rows, "shout(a)", "same(a, b)")
    assert made.table.column(texts[0]).to_pylist() == ["X", "Y", "X"]
    assert made.table.column(texts[1]).to_pylist() == [True, False, True]


def test_what_can_not_be_called_ahead_is_left_to_duckdb():
    rows = pa.table({"a": ["x"], "n": [1]})
    sqls = ["broken(a)", "shout(n)", "same(a)", "shout(missing)"]
    made, texts = hoisted(rows, *sqls)
    assert texts == sqls
    assert made.table.column_names == ["a", "n"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=50))
def test_the_engine_gives_the_same_either_way(values):
    rows = pa.table({"a": pa.array(values, pa.string())})
    made = Engine(FUNCTIONS.values()).select(
        rows, {"ahead": "shout(a)", "inside": "shout(a || '')"}
    )
    assert made.column("ahead").to_pylist() == made.column("inside").to_pylist()
