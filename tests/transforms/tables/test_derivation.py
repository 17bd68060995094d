"""Derived columns: every row keeps its place, and a row that fails fails alone."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.segments import DATASET, segment
from transforms.segment import join
from transforms.sql import Engine
from transforms.tables import DerivedColumns
from transforms.tables.derivation import derive, failing_rows

ENGINE = Engine()
# Of the rows named "row 7", "row 13", ... the number is cut off and divided by.
RISKY = {"rest": "1000 % (CAST(substr(text, 5) AS INTEGER) - 7)", "shout": "upper(text)"}
CASTING = {"number": "CAST(CASE WHEN _offset IN (3, 13) THEN text ELSE '1' END AS INTEGER)"}


def derived(expressions):
    return DerivedColumns(
        dataset=DATASET, expressions=expressions, classes=dict.fromkeys(expressions, "NONE")
    )


def test_columns_are_added_in_the_order_of_the_rows():
    made = derive(segment(0, 20), derived({"double": "_offset * 2"}), ENGINE, [])
    assert made.rows[DATASET].column("double").to_pylist() == list(range(0, 40, 2))
    made.check()


def test_a_row_that_fails_makes_its_message_a_dead_letter_and_no_other():
    made = derive(segment(0, 20), derived({**CASTING, "shout": "upper(text)"}), ENGINE, [])
    made.check()
    assert made.disposed.column("offset").to_pylist() == [3, 13]
    assert set(made.disposed.column("reason").to_pylist()) == {"derived_column"}
    assert set(made.disposed.column("field").to_pylist()) == {"number"}
    assert made.rows[DATASET].column("number").to_pylist() == [1] * 18


def test_failing_rows_are_found_one_by_one():
    table = segment(0, 50).rows[DATASET]
    assert list(failing_rows(ENGINE, table, CASTING["number"], [])) == [3, 13]


@settings(max_examples=20, deadline=None)
@given(cuts=st.sets(st.integers(1, 29)))
def test_any_cut_of_a_segment_gives_the_same_rows_and_dead_letters(cuts):
    whole, step = segment(0, 30), derived({**CASTING, **RISKY})
    bounds = [0, *sorted(cuts), 30]
    parts = [derive(whole.slice(a, b), step, ENGINE, []) for a, b in itertools.pairwise(bounds)]
    together, once = join(parts), derive(whole, step, ENGINE, [])
    assert together.rows[DATASET].equals(once.rows[DATASET])
    assert together.disposed.equals(once.disposed)
