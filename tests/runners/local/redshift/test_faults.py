import asyncio

import pytest

from runners.local.redshift.faults import Fault, Faults


@pytest.fixture
def faults():
    dropped = []
    found = Faults(lambda: dropped.append(True))
    found.dropped = dropped
    return found


def test_a_fault_hits_what_looks_like_it_as_often_as_it_says(faults):
    faults.command({"do": "arm", "match": "^copy", "action": "error", "times": 2})
    hits = [faults.next(sql) for sql in ("select 1", "COPY t", "copy t", "copy t")]
    assert [bool(hit) for hit in hits] == [False, True, True, False]
    assert faults.command({"do": "state"}) == {"armed": 0, "fired": 2, "refusing": False}


def test_the_default_error_is_a_serialization_conflict(faults):
    faults.command({"do": "arm", "match": "x", "action": "error"})
    error = faults.next("x").error()
    assert (error.code, error.message) == ("XX000", "1023")


def test_an_action_that_is_unknown_is_refused():
    with pytest.raises(ValueError, match="field action"):
        Fault(match="x", action="explode")


def test_clearing_ends_a_freeze_and_the_refusals(faults):
    async def freeze_and_clear():
        faults.command({"do": "arm", "match": "x", "action": "freeze"})
        frozen = asyncio.create_task(faults.pause(faults.next("x")))
        await asyncio.sleep(0)
        assert not frozen.done()
        faults.command({"do": "clear"})
        await frozen

    faults.command({"do": "refuse", "on": True})
    assert faults.refusing
    asyncio.run(freeze_and_clear())
    assert not faults.refusing


def test_dropping_is_done_at_once(faults):
    faults.command({"do": "drop"})
    assert faults.dropped == [True]


def test_a_field_that_is_unknown_is_refused(faults):
    with pytest.raises(TypeError, match="tims"):
        faults.command({"do": "arm", "match": "x", "action": "error", "tims": 2})
