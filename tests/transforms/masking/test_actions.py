import itertools

import pyarrow as pa
import pytest

from transforms.masking.actions import CODES, TIGHTER, Action, fits, masked_type, tightens

LEAVES = [pa.string(), pa.large_string(), CODES, pa.int32(), pa.date32(), pa.timestamp("us", "UTC")]


class TestOrder:
    def test_every_action_has_its_place(self):
        assert set(TIGHTER) == set(Action)

    def test_it_is_an_order(self):
        for a, b, c in itertools.product(Action, repeat=3):
            assert not (a in TIGHTER[b] and b in TIGHTER[a])
            if b in TIGHTER[a] and c in TIGHTER[b]:
                assert c in TIGHTER[a]

    def test_nothing_tells_more_than_keep_or_less_than_drop(self):
        for action in Action:
            assert tightens(action, Action.KEEP)
            assert tightens(Action.DROP, action)

    @pytest.mark.parametrize(
        ("wanted", "given"),
        [("keep", "drop"), ("keep", "date_shift"), ("date_shift", "year"), ("redact", "drop")],
    )
    def test_going_back_loosens(self, wanted, given):
        assert not tightens(Action(wanted), Action(given))

    def test_actions_that_tell_different_things_are_no_tightening_of_one_another(self):
        for a, b in itertools.permutations(["date_shift", "zip3", "pseudonym"], 2):
            assert not tightens(Action(a), Action(b))


class TestTypes:
    @pytest.mark.parametrize(
        ("action", "right"),
        [
            ("pseudonym", {0, 1, 2, 3}),
            ("zip3", {0, 1, 2}),
            ("age_band", {3, 4, 5}),
            ("year", {4, 5}),
            ("date_shift", {4, 5}),
            ("redact", {0, 1, 2, 3, 4, 5}),
        ],
    )
    def test_an_action_fits_its_types_and_lists_of_them(self, action, right):
        for number, kind in enumerate(LEAVES):
            assert fits(Action(action), kind) == (number in right)
            assert fits(Action(action), pa.list_(kind)) == (number in right)

    @pytest.mark.parametrize(
        "kind",
        [
            pa.struct([pa.field("a", pa.string())]),
            pa.list_(pa.struct([pa.field("a", pa.string())])),
            pa.map_(pa.string(), pa.string()),
            pa.list_(pa.list_(pa.string())),
            pa.binary(),
        ],
    )
    def test_what_holds_parts_is_masked_as_a_whole(self, kind):
        fitting = {action for action in Action if fits(action, kind)}
        assert fitting == {Action.KEEP, Action.REDACT, Action.DROP}

    def test_items_of_lists_are_written_plainly(self):
        assert masked_type(Action.PSEUDONYM, pa.list_(pa.string())) == pa.list_(pa.string())
        assert masked_type(Action.PSEUDONYM, pa.string()) == CODES
