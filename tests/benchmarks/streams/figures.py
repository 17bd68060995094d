"""What the notes of a stream's commits come to."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from tests.benchmarks.streams.commit_watch import Seen


@dataclass(frozen=True)
class Rate:
    """How fast messages were committed.

    Attributes:
        messages: So many, within the window.
        seconds: The window.
    """

    messages: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


def rate(seen: Sequence[Seen], begin: float, end: float) -> Rate:
    """Returns how many messages a second were committed within a window.

    Commits come in segments of seconds. So the window goes from the last commit before ``begin`` to
    the last one before ``end``: at both moments a segment was done.

    Args:
        seen: The commits, in the order in which they were found.
        begin: Seconds since 1970.
        end: Likewise.

    Raises:
        RuntimeError: Nothing was committed before the window, or nothing within it.
    """
    before = [each for each in seen if each.at <= begin]
    within = [each for each in seen if begin < each.at <= end]
    if not before or not within:
        raise RuntimeError("there is no commit before the window, or none within it")
    messages = sum(each.commit.messages for each in within)
    return Rate(messages, within[-1].at - before[-1].at)


CommitName = tuple[str, int, int]


def name_of(one: Seen) -> CommitName:
    """Returns topic, partition and number of a commit."""
    return one.commit.topic, one.commit.partition, one.commit.seq


def produced(rows: pa.Table, seen: Sequence[Seen]) -> Iterator[tuple[CommitName, datetime, int]]:
    """Yields when the rows of a dataset were produced, for ``freshness``.

    Args:
        rows: With ``_topic``, ``_partition``, ``_offset`` and ``_timestamp``.
        seen: Every commit of theirs.

    Yields:
        The commit, a timestamp, and how many rows have both.
    """
    by_partition: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for one in seen:
        by_partition[one.commit.topic, one.commit.partition].append(one)
    topics, partitions = rows["_topic"].to_numpy(), rows["_partition"].to_numpy()
    offsets = rows["_offset"].to_numpy()
    stamps = rows["_timestamp"].cast(pa.timestamp("ms")).to_numpy()
    for (topic, partition), commits in by_partition.items():
        here = (topics == topic) & (partitions == partition)
        ends = np.array([one.commit.end for one in commits])
        places = np.searchsorted(ends, offsets[here], "right")
        for number, one in enumerate(commits):
            times, counts = np.unique(stamps[here][places == number], return_counts=True)
            for time, count in zip(times.tolist(), counts.tolist(), strict=True):
                yield name_of(one), time, count
