"""Short runs of the fault suite on the DirectRunner."""

import random
import sys

import pytest

from tests.chaos.plan import WAREHOUSE_ERRORS, Fault
from tests.chaos.run import Settings, run
from tests.chaos.strikes import WAREHOUSE_FAULTS

pytestmark = pytest.mark.faults


def tell(line):
    sys.stdout.write(f"{line}\n")


def test_six_kills_lose_nothing_and_double_nothing(tmp_path):
    outcome = run(Settings(runner="direct", kills=6, seed=1, folder=tmp_path), tell)
    assert outcome.verdict.holds, outcome.verdict
    assert outcome.verdict.messages > 1_000
    assert outcome.verdict.dead > 10
    assert len({each.fault.kind for each in outcome.recovered}) == 8


def test_a_load_that_moves_its_fences_apart_from_its_rows_is_found_out(tmp_path):
    """A run can fail: here the answer to the fences' move is lost, when the rows are committed."""
    lost = ("^update", "drop_after")
    draw = next(n for n in range(100) if random.Random(n).choice(WAREHOUSE_FAULTS) == lost)
    fault = Fault(number=1, kind=WAREHOUSE_ERRORS, after_s=0, lasts_s=0, draw=draw)
    settings = Settings(
        runner="direct",
        kills=0,
        seed=1,
        folder=tmp_path,
        before="tests.faults.bugs:plant_fences_apart",
    )

    verdict = run(settings, tell, [fault]).verdict

    assert (verdict.lost, verdict.doubled > 0) == (0, True)
    assert any("verify ended with 1" in problem for problem in verdict.problems)
