"""Versions of keys and when each is valid."""

from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.references.reference_lake import day, rows
from transforms.references import ReferenceSpec
from transforms.references.versions import FOREVER_US, versions

SPEC = ReferenceSpec(dataset="thing_ref", key="code", lookup={"events": "code"})
FOREVER = datetime(1970, 1, 1, tzinfo=day(1).tzinfo) + timedelta(microseconds=FOREVER_US)


def listed(table):
    return [(r["code"], r["price"], r["_from"], r["_until"]) for r in table.to_pylist()]


def test_each_version_is_valid_until_the_next_one_of_its_key():
    made = versions(rows(0, ("a", 1, 5), ("b", 7, 6), ("a", 2, 9)), SPEC)
    assert listed(made) == [
        ("a", 1, day(5), day(9)),
        ("a", 2, day(9), FOREVER),
        ("b", 7, day(6), FOREVER),
    ]


def test_a_version_that_comes_late_takes_its_place_by_effective_time():
    made = versions(rows(0, ("a", 2, 9), ("a", 1, 5)), SPEC)
    assert listed(made) == [("a", 1, day(5), day(9)), ("a", 2, day(9), FOREVER)]


def test_of_equal_effective_times_the_later_message_wins():
    made = versions(rows(0, ("a", 1, 5), ("a", 2, 5), ("a", 3, 5)), SPEC)
    assert listed(made) == [("a", 3, day(5), FOREVER)]


def test_rows_without_key_or_time_are_left_out():
    assert versions(rows(0, (None, 1, 5), ("a", 2, None)), SPEC).num_rows == 0


def test_the_lineage_is_left_out():
    made = versions(rows(0, ("a", 1, 5)), SPEC)
    assert made.column_names == ["code", "price", "effective_from", "_from", "_until"]


def test_no_rows_give_no_versions():
    assert versions(rows(0, ("a", 1, 5)).slice(0, 0), SPEC).num_rows == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(1, 6)), min_size=1),
    st.randoms(),
)
def test_a_lookup_is_what_a_loop_finds_in_whatever_order_rows_come(things, chance):
    table = rows(0, *things)
    order = list(range(len(things)))
    chance.shuffle(order)
    made = listed(versions(table.take(pa.array(order)), SPEC))
    for key in "ab":
        for number in range(1, 8):
            known = [(d, at, price) for at, (k, price, d) in enumerate(things) if k == key]
            past = [each for each in known if each[0] <= number]
            expected = [max(past)[2]] if past else []
            assert expected == [
                price for k, price, start, end in made if k == key and start <= day(number) < end
            ]


def test_columns_of_dictionaries_are_versioned_like_plain_ones():
    plain = rows(0, ("b", 2, 9), ("a", 1, 5), ("a", 3, 7))
    encoded = plain
    for name in ("code", "_topic_id"):
        at = plain.column_names.index(name)
        encoded = encoded.set_column(at, name, plain.column(name).dictionary_encode())
    assert listed(versions(encoded, SPEC)) == listed(versions(plain, SPEC))
