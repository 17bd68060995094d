"""Where messages ended up, as the broker reported it."""

from dataclasses import dataclass, field

from beam_pipelines.produce.chunk import Fate
from beam_pipelines.produce.planting import Planting


@dataclass(frozen=True)
class Planted:
    """What was planted in a message, and the place it got."""

    topic: str
    partition: int
    offset: int
    planting: Planting


@dataclass(frozen=True)
class Transaction:
    """A transaction: `ranges` maps partitions to their first and last offset in it."""

    topic: str
    fate: Fate
    messages: int
    ranges: dict[int, tuple[int, int]]


@dataclass
class Deliveries:
    """What is worth remembering of the delivery reports.

    Attributes:
        planted: Every planted fault, in order of report.
        transactions: Every transaction, in order.
        failure: Place and reason of the first message that wasn't delivered.
    """

    planted: list[Planted] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    failure: tuple[str, str] | None = None
