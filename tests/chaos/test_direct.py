"""Short runs of the fault suite on the DirectRunner."""

import sys

import pytest

from tests.chaos.run import Settings, run

pytestmark = pytest.mark.chaos


def tell(line):
    sys.stdout.write(f"{line}\n")


def test_six_kills_lose_nothing_and_double_nothing(tmp_path):
    outcome = run(Settings(runner="direct", kills=6, seed=1, folder=tmp_path), tell)
    assert outcome.verdict.holds, outcome.verdict
    assert outcome.verdict.messages > 1_000
    assert outcome.verdict.dead > 10
    assert len({each.fault.kind for each in outcome.recovered}) == 8


def test_a_run_that_goes_on_one_message_too_late_is_found_out(tmp_path):
    """A run can fail: by a bug that chain, fences and warehouse can't see."""
    settings = Settings(
        runner="direct",
        kills=1,
        seed=1,
        folder=tmp_path,
        before="tests.faults.bugs:plant_late_starts",
    )

    verdict = run(settings, tell).verdict

    assert verdict.lost > 0
    assert verdict.doubled == 0
    assert any("verify ended with 1" in problem for problem in verdict.problems)
