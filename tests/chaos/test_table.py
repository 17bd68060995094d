"""The table says of each fault how often it came and how long recovery took."""

from tests.chaos.ledger import Recovered
from tests.chaos.plan import BROKER, CUT, Fault
from tests.chaos.proof import Verdict
from tests.chaos.table import table


def recovered(kind, seconds):
    return Recovered(Fault(number=1, kind=kind, after_s=0, lasts_s=0, draw=0), seconds)


def test_it_has_a_row_for_each_fault_and_one_for_all():
    faults = [recovered(BROKER, 4.0), recovered(CUT, 1.0), recovered(BROKER, 8.0)]
    assert table(faults, Verdict(lost=2, doubled=1_000)).splitlines() == [
        "| fault | times | recovery p50 | max | lost | doubled |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| broker killed | 2 | 6.0 s | 8.0 s |  |  |",
        "| connections cut | 1 | 1.0 s | 1.0 s |  |  |",
        "| all | 3 | 4.0 s | 8.0 s | 2 | 1,000 |",
    ]
