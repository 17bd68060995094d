"""ZIP codes and states."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.produce.words import CITIES
from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, damaged, one
from transforms.sql.functions.places import zip_in_state
from transforms.sql.functions.zip3 import ZIP3_BY_STATE


def oracle(code, state):
    if not re.fullmatch("[0-9]{5}(-?[0-9]{4})?", code, re.ASCII):
        return False
    return any(low <= int(code[:3]) <= high for low, high in ZIP3_BY_STATE.get(state, ()))


@pytest.mark.parametrize(
    ("code", "state"),
    [
        *(("10001", "NY"), ("06390", "NY"), ("06390", "CT"), ("00501", "NY"), ("00901", "PR")),
        *(("20001", "DC"), ("20101", "VA"), ("33101", "FL"), ("34001", "AA"), ("60601-1234", "IL")),
        *(("733011234", "TX"), ("88510", "TX"), ("83414", "WY"), ("90210", "CA"), ("96799", "AS")),
        *(("99501", "AK"), ("96910", "GU"), ("02108", "MA"), ("05501", "MA"), ("05601", "VT")),
    ],
)
def test_zip_codes_are_in_their_state(code, state):
    assert one(zip_in_state, code, state) is True


@pytest.mark.parametrize(
    ("code", "state"),
    [
        *(("10001", "NJ"), ("90210", "NV"), ("10001", "ny"), ("10001", ""), ("10001", "XX")),
        *(("1000", "NY"), ("100011", "NY"), ("10001 1234", "NY"), ("1000a", "NY"), ("", "NY")),
        ("10001", "N1"),
    ],
)
def test_what_does_not_agree_is_not(code, state):
    assert one(zip_in_state, code, state) is False


@pytest.mark.parametrize("city", CITIES, ids=[city[0] for city in CITIES])
def test_the_cities_of_our_stream_are_in_their_state(city):
    assert one(zip_in_state, city[3] + "01", city[2]) is True


def test_states_have_ranges_of_three_digits_and_no_two_of_the_mainland_share_one_by_mistake():
    assert len(ZIP3_BY_STATE) == 62  # 50 states, DC, 8 territories and islands, 3 of the forces
    holders = {}
    for state, ranges in ZIP3_BY_STATE.items():
        for low, high in ranges:
            assert 5 <= low <= high <= 999
            for prefix in range(low, high + 1):
                holders.setdefault(prefix, []).append(state)
    shared = {prefix: sorted(states) for prefix, states in holders.items() if len(states) > 1}
    assert shared == {
        63: ["CT", "NY"],
        834: ["ID", "WY"],
        967: ["AS", "HI"],
        969: ["FM", "GU", "MH", "MP", "PW"],
    }


CODES = st.from_regex("[0-9]{5}(-?[0-9]{4})?", fullmatch=True)
STATES = st.sampled_from(sorted(ZIP3_BY_STATE))


@settings(max_examples=60)
@given(st.lists(st.tuples(damaged(CODES) | ANY_TEXT, damaged(STATES) | ANY_TEXT), max_size=30))
def test_pairs_are_judged_as_each_pair_alone(pairs):
    assert agrees(zip_in_state, oracle, [c for c, _ in pairs], [s for _, s in pairs])


@settings(max_examples=20)
@given(columns(CODES))
def test_nulls_stay_nulls(values):
    assert agrees(zip_in_state, oracle, values, ["NY"] * len(values))
