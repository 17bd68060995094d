from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.identifiers import canonical, has_canonical, normalized

AT = datetime(2026, 3, 14, 15, 9, 26, 535_897, UTC)


def texts(values, kind):
    return canonical(pa.array(values, kind)).to_pylist()


class TestCanonical:
    def test_texts_are_spelled_in_one_way(self):
        assert texts(["p-1", " P-1 ", "\uff50-1"], pa.string()) == ["3:P-1"] * 3

    def test_null_and_blank_have_none(self):
        assert texts([None, "", " ", "\u3000\t"], pa.string()) == [None] * 4
        assert texts([None], pa.int32()) == texts([None], pa.date32()) == [None]
        assert texts([None], pa.timestamp("us", "UTC")) == [None]

    def test_numbers_are_decimal(self):
        assert texts([0, -17, 2**62], pa.int64()) == ["1:0", "3:-17", f"19:{2**62}"]
        assert texts([17], pa.int32()) == texts([17], pa.int64())

    def test_dates_are_iso_8601_of_any_year(self):
        assert texts([date(2026, 3, 4), date(1, 1, 1)], pa.date32()) == [
            "10:2026-03-04", "10:0001-01-01",
        ]  # fmt: skip
        days = pa.array([2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32())
        assert canonical(days).to_pylist() == ["13:5881580-07-11", "14:-5877641-06-23"]

    def test_times_are_microseconds_whatever_their_unit(self):
        assert texts([AT], pa.timestamp("us", "UTC")) == ["16:1773500966535897"]
        whole = AT.replace(microsecond=0)
        wanted = ["16:1773500966000000"]
        for unit in ("s", "ms", "us"):
            assert texts([whole], pa.timestamp(unit, "UTC")) == wanted

    def test_a_time_that_no_microsecond_can_tell_has_a_text_all_the_same(self):
        last = pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("ms", "UTC"))
        assert canonical(last).to_pylist() == [f"22:{(2**63 - 1) * 1_000}"]


class TestTypes:
    @pytest.mark.parametrize(
        "kind",
        [
            *(pa.string(), pa.large_string(), pa.int8(), pa.int64(), pa.date32()),
            *(
                pa.timestamp("us", "UTC"),
                pa.timestamp("ms"),
                pa.dictionary(pa.int32(), pa.string()),
            ),
        ],
    )
    def test_these_have_one(self, kind):
        assert has_canonical(kind)

    @pytest.mark.parametrize(
        "kind",
        [
            *(pa.float64(), pa.bool_(), pa.decimal128(9, 2), pa.binary(), pa.list_(pa.string())),
            *(pa.struct([pa.field("a", pa.string())]), pa.timestamp("ns", "UTC")),
        ],
    )
    def test_these_have_none(self, kind):
        assert not has_canonical(kind)


tuples = st.lists(st.text("12:0 aA\uff50", max_size=4), min_size=1, max_size=3)


@settings(max_examples=500)
@given(tuples, tuples)
def test_two_tuples_share_a_text_only_if_their_spellings_agree(one, other):
    joined = ["".join(text or "" for text in texts(each, pa.string())) for each in (one, other)]
    # What has a blank part has no link, and so needs no text of its own.
    spelled = [[normalized(part) for part in each] for each in (one, other)]
    if all(spelled[0]) and all(spelled[1]):
        assert (joined[0] == joined[1]) == (spelled[0] == spelled[1])


@settings(max_examples=300)
@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=5)))
def test_texts_of_ascii_are_spelled_as_any_other(given_texts):
    # What isn't ASCII makes the whole array go the long way.
    short, long = texts(given_texts, pa.string()), texts([*given_texts, "\uff50"], pa.string())
    assert short == long[:-1]
    assert short == [f"{len(t)}:{t}" if t else None for t in map(normalized, given_texts)]
