"""How old rows are when they can first be read."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np


@dataclass(frozen=True)
class Freshness:
    """Seconds from a message's timestamp until its row could be read.

    Attributes:
        rows: Of how many rows.
        p50: Half of them took no longer.
        p99: 99 in a hundred took no longer.
        worst: The one that took longest.
    """

    rows: int
    p50: float
    p99: float
    worst: float


Key = TypeVar("Key", bound=Hashable)


def freshness(rows: Iterable[tuple[Key, datetime, int]], seen: Mapping[Key, float]) -> Freshness:
    """Returns how long rows took.

    Args:
        rows: Load or commit, timestamp (UTC, without a zone), and how many rows have both.
        seen: Load or commit -> when a reader first found it, seconds since 1970.

    Raises:
        RuntimeError: There are no rows, what brought some was never found, or was found before
            they were produced: the figures would mean nothing.
    """
    delays, counts = [], []
    for key, produced, count in rows:
        if key not in seen:
            raise RuntimeError(f"{key} brought rows, and no reader found it")
        delays.append(seen[key] - produced.replace(tzinfo=UTC).timestamp())
        counts.append(count)
    if not delays:
        raise RuntimeError("no rows came")
    if min(delays) < 0:
        raise RuntimeError(f"rows were found {-min(delays):.3f} s before they were produced")
    each = np.repeat(delays, counts)
    p50, p99 = np.percentile(each, [50, 99], method="higher")
    return Freshness(len(each), float(p50), float(p99), float(each.max()))
