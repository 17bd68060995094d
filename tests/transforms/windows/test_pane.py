"""What is published of a cell, and which of its panes counts."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.windows.rows import NOON
from transforms.windows import Pane, latest, pane_of
from transforms.windows.pane import plain

PANE = Pane(
    lake="lake-1",
    definition="ab" * 8,
    aggregate="fills",
    window_start=NOON,
    window_end=NOON + timedelta(minutes=5),
    dimensions={"store": "0100001", "area": None},
    measures={"rows": 3, "revenue": "30.00", "minutes_p50": None},
    index=2,
    timing="early",
    is_last=False,
    version=3,
)


class TestMessages:
    def test_the_key_is_canonical_json_of_what_the_pane_is_of(self):
        assert PANE.key == (
            b'{"aggregate":"fills","definition":"abababababababab",'
            b'"dimensions":{"area":null,"store":"0100001"},"lake":"lake-1",'
            b'"window":["2026-03-02T12:00:00Z","2026-03-02T12:05:00Z"]}'
        )

    def test_the_order_of_dimensions_is_of_no_matter_to_it(self):
        turned = dict(reversed(PANE.dimensions.items()))
        assert replace(PANE, dimensions=turned).key == PANE.key

    @pytest.mark.parametrize(
        "change",
        [
            {"lake": "lake-2"},
            {"definition": "cd" * 8},
            {"aggregate": "others"},
            {"window_start": NOON - timedelta(minutes=5)},
            {"window_end": NOON + timedelta(minutes=10)},
            {"dimensions": {"store": "0100001", "area": "null"}},
        ],
    )
    def test_panes_of_something_else_have_another_key(self, change):
        assert replace(PANE, **change).key != PANE.key

    @pytest.mark.parametrize(
        "change",
        [{"measures": {}}, {"index": 3}, {"timing": "late"}, {"is_last": True}, {"version": 9}],
    )
    def test_panes_of_the_same_have_the_same(self, change):
        assert replace(PANE, **change).key == PANE.key

    def test_the_value_holds_all_and_comes_back(self):
        assert pane_of(PANE.to_bytes()) == PANE
        value = orjson.loads(PANE.to_bytes())
        assert (value["version"], value["index"], value["timing"]) == (3, 2, "early")
        assert value["window_end"] == "2026-03-02T12:05:00Z"

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Decimal("1E+3"), "1000"),
            (Decimal("-0.10"), "-0.10"),
            (date(2026, 3, 2), "2026-03-02"),
            (time(1, 2), "01:02:00"),
            (datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02T00:00:00+00:00"),
            (b"\x01\xff", "01ff"),
            ("text", "text"),
            (True, True),
            (None, None),
            (1.5, 1.5),
        ],
    )
    def test_exact_numbers_and_times_are_texts(self, value, text):
        assert plain(value) == text


class TestLatest:
    def test_the_greatest_version_counts_wherever_it_stands(self):
        panes = [replace(PANE, version=version, index=n) for n, version in enumerate((2, 7, 5))]
        (found,) = latest(panes).values()
        assert found.version == 7

    def test_of_equal_versions_the_last_counts(self):
        panes = [PANE, replace(PANE, timing="on_time")]
        assert latest(panes)[PANE.key].timing == "on_time"

    def test_each_key_has_its_own(self):
        other = replace(PANE, dimensions={"store": "0100002", "area": None}, version=1)
        assert latest([PANE, other]) == {PANE.key: PANE, other.key: other}

    @given(st.permutations([1, 2, 3, 4]), st.lists(st.integers(1, 4)))
    def test_neither_order_nor_repetition_matters(self, order, again):
        panes = [replace(PANE, version=version) for version in (*order, *again)]
        assert latest(panes)[PANE.key].version == 4
