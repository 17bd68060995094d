import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import patched, values_of
from beam_pipelines.produce.one_schema import events_of_one_schema

EVENT = events_of_one_schema(1, seed=5)[0]


def sound(value: bytes = EVENT) -> Sound:
    return Sound(value, contract_of(value), None)


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "rx_number": st.text(max_size=80),
            "quantity_dispensed": st.integers(-(10**12), 10**12),
            "date_written": st.none() | st.integers(-(2**31), 2**31 - 1),
            "picked_up_at": st.none() | st.integers(-(2**63), 2**63 - 1),
            "dea_schedule": st.sampled_from(["NONE", "CII", "CV"]),
            "reject_codes": st.lists(st.text(max_size=4), max_size=3),
        },
    )
)
def test_values_read_back_and_all_others_stay(changes):
    assert values_of(sound(patched(sound(), changes))) == values_of(sound()) | changes


def test_a_message_without_changes_is_the_same():
    assert patched(sound(), {}) == EVENT


def test_a_field_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="no_such"):
        patched(sound(), {"no_such": 1})
