"""How long an outage is waited out."""

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from transforms.errors import StoreUnavailableError
from transforms.lake.patience import LAST_PAUSE_S


def test_pauses_grow_and_stay_short_enough():
    store = FakeBucket().store(patience_s=60.0)
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        store.now += seconds

    store._sleep = sleep
    store.fail(Fault.LOST_REQUEST, "get_object", times=999)
    with pytest.raises(StoreUnavailableError, match="did not answer for 60 s"):
        store.get("k")
    assert pauses[0] <= 0.1
    assert max(pauses) <= LAST_PAUSE_S
    assert 60 <= sum(pauses) <= 60 + LAST_PAUSE_S
