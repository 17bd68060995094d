"""The sound lake that the tests damage, and how they name the breaches."""

from dataclasses import replace

from tests.fakes.lake import TOPIC, TOPIC_ID, FakeLake, segment
from transforms.lake import PartitionId, SegmentCommit
from transforms.lake.verify import VerifyOptions, verify_lake

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
MESSAGES = 60


def sound_lake() -> FakeLake:
    """Returns three segments on two days, with every disposition, holes and a gap."""
    made = FakeLake({0: 0, 1: 50})
    made.write(
        segment(0, 20, holes=[3], dead=[5, 7], filtered=[8, 9, 10]),
        segment(20, 45, gaps=[(20, 25)], parked=[30], filtered=[31]),
        segment(45, 60, rows_each=2),
        segment(50, 70, partition=1),
    )
    return made


def broken(lake: FakeLake, **options) -> dict[str, int]:
    """Returns the breaches by rule."""
    return dict(verify_lake(lake.store, VerifyOptions(**options)).breaches)


def recount(commit: SegmentCommit, disposition: str, reason: str, by: int) -> SegmentCommit:
    """Returns the commit with another count of a disposition."""
    counts = {name: dict(reasons) for name, reasons in commit.dispositions.items()}
    counts[disposition][reason] += by
    return replace(commit, dispositions=counts)
