"""Medians with their spread, as Markdown."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from datetime import date

import psutil

from tests.benchmarks.jobs import Run

MILLION = 1_000_000


def machine() -> str:
    """Returns the day, and the size of the machine that the figures are of."""
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{date.today()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {python}"


def spread(values: Sequence[float]) -> str:
    """Returns the median with the least and the greatest value."""
    middle = statistics.median(values)
    form = ",.0f" if middle >= 100 else ".1f"
    return f"{middle:{form}} ({min(values):{form}} to {max(values):{form}})"


def median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """Returns the median of a figure of runs."""
    return statistics.median(figure(run) for run in runs)


def marginal(small: Sequence[Run], large: Sequence[Run], figure: Callable[[Run], float]) -> str:
    """Returns what a million events more take, with the spread over pairs of one round.

    What starting costs is in both runs of a pair, so their difference is without it.
    """
    pairs = zip(small, large, strict=True)
    return spread([(figure(b) - figure(a)) / (b.events - a.events) * MILLION for a, b in pairs])


def marginal_rate(small: Sequence[Run], large: Sequence[Run]) -> str:
    """Returns events a second without what starting costs, with the spread over rounds."""
    pairs = [(b.events - a.events, b.wall - a.wall) for a, b in zip(small, large, strict=True)]
    if min(seconds for _, seconds in pairs) <= 0:
        return "too short to tell"
    return spread([events / seconds for events, seconds in pairs])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)
