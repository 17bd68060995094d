"""Messages over broker time, from what commits say: no row is read.

A commit tells its first and last broker time and its messages. They are spread evenly between the
two: true to the commit's length, and no finer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from beam_pipelines.report.facts import Arrival

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
#: The widths of a bin, in milliseconds, from which the finest is taken that gives few enough.
WIDTHS: Final = (
    1_000,
    10_000,
    _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    _HOUR,
    6 * _HOUR,
    _DAY,
    7 * _DAY,
    30 * _DAY,
)
#: More can't be told apart on the page.
MOST_BINS: Final = 150


@dataclass(frozen=True)
class Timeline:
    """Messages per bin.

    Attributes:
        edges: Bounds of the bins, one more than bins, milliseconds since 1970 UTC; int64.
        counts: Messages of each bin, float64, by topic: they add up to the topic's messages.
    """

    edges: np.ndarray[Any, Any]
    counts: Mapping[str, np.ndarray[Any, Any]]

    @property
    def width_s(self) -> float:
        """Width of a bin in seconds."""
        return float(self.edges[1] - self.edges[0]) / 1000


def timeline(arrivals: Mapping[str, Sequence[Arrival]]) -> Timeline | None:
    """Returns the messages of each topic over time; None if there is none."""
    every = [arrival for listed in arrivals.values() for arrival in listed]
    if not every:
        return None
    first, last = min(a.first for a in every), max(a.last for a in every)
    width = _width(last - first + 1)
    start = first // width * width
    edges = np.arange(start, last + width + 1, width, dtype=np.int64)
    return Timeline(edges, {name: _spread(arrivals[name], edges) for name in sorted(arrivals)})


def _width(span: int) -> int:
    for width in WIDTHS:
        if span / width <= MOST_BINS:
            return width
    return -(-span // MOST_BINS)


def _spread(arrivals: Sequence[Arrival], edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    counts = np.zeros(len(edges) - 1)
    for first, last, messages in arrivals:
        inside = np.clip((edges - first) / (last + 1 - first), 0.0, 1.0)
        counts += np.diff(inside) * messages
    return counts
