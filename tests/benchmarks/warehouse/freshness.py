"""How old rows are when a query first finds them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np


@dataclass(frozen=True)
class Freshness:
    """Seconds from a message's timestamp until its row could be queried.

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


def freshness(rows: Iterable[tuple[int, datetime, int]], seen: Mapping[int, float]) -> Freshness:
    """Returns how long rows took.

    Args:
        rows: Load, timestamp (UTC, without a zone), and how many rows have both.
        seen: Load -> when a query first found it, seconds since 1970.

    Raises:
        RuntimeError: There are no rows, a load was never found, or one was found before its
            messages were produced: the figures would mean nothing.
    """
    delays, counts = [], []
    for load, produced, count in rows:
        if load not in seen:
            raise RuntimeError(f"load {load} brought rows, and no query found it")
        delays.append(seen[load] - produced.replace(tzinfo=UTC).timestamp())
        counts.append(count)
    if not delays:
        raise RuntimeError("no rows were loaded")
    if min(delays) < 0:
        raise RuntimeError(f"rows were found {-min(delays):.3f} s before they were produced")
    each = np.repeat(delays, counts)
    p50, p99 = np.percentile(each, [50, 99], method="higher")
    return Freshness(len(each), float(p50), float(p99), float(each.max()))
