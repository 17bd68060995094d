"""Limits against the same told value by value, in plain Python."""

import json
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.limits import DayRange, JsonBytes, MostBytes, NestedTextBytes, NoNul, TimeRange

TEXTS = st.none() | st.sampled_from(["", "abc", "abcd", "é", "éé", "\0", "a\0b", "x" * 40])
DAY = timedelta(days=1)


def broken(limit, column) -> list[bool] | None:
    """What a limit says of a column; None if nothing breaks it."""
    found = limit.broken(column)
    assert found is None or found.any()
    return None if found is None else found.tolist()


def chunked(values, kind, cut) -> pa.ChunkedArray:
    """The values behind others, in two chunks, so that each has an offset."""
    whole = pa.array([None, *values], kind)
    return pa.chunked_array([whole.slice(1, cut), whole.slice(1 + cut)], kind)


def told(flags: list[bool]) -> list[bool] | None:
    return flags if any(flags) else None


class TestTexts:
    KINDS = st.sampled_from(
        [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
    )

    @given(st.lists(TEXTS), st.integers(0, 9), KINDS)
    def test_lengths_are_bytes_of_utf_8(self, values, cut, kind):
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        column = chunked(values, plain, cut)
        column = column.dictionary_encode() if plain != kind else column
        wanted = told([len((value or "").encode()) > 3 for value in values])
        assert broken(MostBytes(3), column) == wanted

    @given(st.lists(TEXTS), st.integers(0, 9), KINDS)
    def test_a_nul_anywhere_is_found(self, values, cut, kind):
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        column = chunked(values, plain, cut)
        column = column.dictionary_encode() if plain != kind else column
        assert broken(NoNul(), column) == told(["\0" in (value or "") for value in values])

    def test_bytes_are_counted_too(self):
        column = pa.chunked_array([pa.array([b"\0\0\0", None, b"1234"])])
        assert broken(MostBytes(3), column) == [False, False, True]

    def test_a_value_of_the_dictionary_that_no_row_has_breaks_nothing(self):
        made = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int32()), ["a", "x" * 9])
        assert broken(MostBytes(3), pa.chunked_array([made])) is None
        assert broken(MostBytes(0), pa.chunked_array([made])) == [True, False]


class TestRanges:
    def test_days_up_to_both_ends_are_taken(self):
        days = pa.array([-11, -10, None, 10, 11], pa.int32()).cast(pa.date32())
        found = broken(DayRange(-10, 10, "then to now"), pa.chunked_array([days]))
        assert found == [True, False, False, False, True]

    @pytest.mark.parametrize(("unit", "each"), [("s", 10**6), ("ms", 1000), ("us", 1)])
    def test_times_are_measured_in_any_unit(self, unit, each):
        limit = TimeRange(-7_000_500, 7_000_500, "then to now")
        ticks = [
            n for near in (-7_000_500, 7_000_500) for n in range(near // each, near // each + 2)
        ]
        column = pa.array([*ticks, None, 2**63 - 1, -(2**63)], pa.int64())
        found = broken(limit, pa.chunked_array([column.cast(pa.timestamp(unit, "UTC"))]))
        wanted = [abs(tick * each) > 7_000_500 for tick in ticks]
        assert found == [*wanted, False, True, True]

    @given(st.lists(st.none() | st.dates(), min_size=1), st.integers(0, 9))
    def test_each_day_is_looked_at(self, days, cut):
        first, last = date(1900, 1, 1), date(2100, 1, 1)
        limit = DayRange((first - date(1970, 1, 1)).days, (last - date(1970, 1, 1)).days, "")
        wanted = told([day is not None and not first <= day <= last for day in days])
        assert broken(limit, chunked(days, pa.date32(), cut)) == wanted


NESTED = pa.list_(
    pa.struct(
        [
            pa.field("name", pa.string()),
            pa.field("codes", pa.list_(pa.dictionary(pa.int32(), pa.string()))),
            pa.field("by", pa.map_(pa.string(), pa.string())),
            pa.field("number", pa.int64()),
        ]
    )
)
RECORDS = st.none() | st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "name": TEXTS,
            "codes": st.none() | st.lists(TEXTS, max_size=3),
            "by": st.none() | st.lists(st.tuples(TEXTS.filter(bool), TEXTS), max_size=2),
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    ),
    max_size=3,
)


def texts_within(value) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for each in value for text in texts_within(each)]
    return [value] if isinstance(value, str) else []


def as_json(value) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


class TestNested:
    @given(st.lists(RECORDS), st.integers(0, 9))
    def test_each_text_within_is_measured(self, values, cut):
        wanted = told([any(len(t.encode()) > 3 for t in texts_within(v)) for v in values])
        assert broken(NestedTextBytes(3), chunked(values, NESTED, cut)) == wanted

    @given(st.lists(RECORDS), st.integers(0, 9), st.integers(10, 200))
    def test_the_whole_is_measured_as_json(self, values, cut, most):
        wanted = told([value is not None and as_json(value) > most for value in values])
        assert broken(JsonBytes(most), chunked(values, NESTED, cut)) == wanted

    def test_a_large_value_of_small_parts_is_found(self):
        column = pa.chunked_array([pa.array([[1] * 60, [1] * 40, None], pa.list_(pa.int32()))])
        assert broken(JsonBytes(100), column) == [True, False, False]


@pytest.mark.parametrize(
    "limit",
    [MostBytes(65), NoNul(), NestedTextBytes(65), JsonBytes(65), DayRange(0, 1, "a to b"),
     TimeRange(0, 1, "a to b")],
)  # fmt: skip
def test_each_says_what_a_value_must_be_and_codes_differ(limit):
    assert limit.words
    assert limit.code.isidentifier()
