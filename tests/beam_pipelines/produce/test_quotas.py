from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.produce.quotas import Quotas, Share

POOLS = {"a": 4, "b": 12, "c": 8}


@given(st.integers(1, 10**7))
def test_quotas_add_up_to_the_events_asked_for(events):
    quotas = Quotas.of(events, POOLS)
    parts = quotas.dispense, quotas.inventory, quotas.patients, quotas.reference_updates
    assert sum(parts) + sum(quotas.snapshot.values()) == events
    assert min(parts) >= 0


def test_a_large_stream_has_the_shares_of_the_trade():
    quotas = Quotas.of(100_000, POOLS)
    assert abs(quotas.dispense - 78_000) < 50
    assert abs(quotas.inventory - 14_000) < 50
    assert abs(quotas.patients - 6_000) < 50
    assert quotas.snapshot == POOLS


@given(st.integers(0, 1_000), st.lists(st.floats(0, 1), max_size=8))
def test_a_share_is_dealt_out_in_full(total, steps):
    share = Share(total)
    dealt = [share.due(step) for step in sorted(steps)] + [share.due(1.0)]
    assert sum(dealt) == total
    assert min(dealt) >= 0
