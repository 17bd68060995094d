"""A reader of the commit log that notes when each commit can first be seen."""

import time
from dataclasses import dataclass

from tests.benchmarks.watch import Watch
from transforms.lake import ObjectStore, PartitionId, SegmentCommit, find_lake
from transforms.lake.new_commits import Mark, mark_of, new_commits

_EVERY_S = 0.5


@dataclass(frozen=True)
class Seen:
    """A commit, and when it was found.

    Attributes:
        commit: What it says.
        at: Seconds since 1970.
    """

    commit: SegmentCommit
    at: float


class CommitWatch(Watch[list[Seen]]):
    """Looks for new commits that hold messages.

    Args:
        store: The lake's objects.
        topics: Whose commits count.
    """

    def __init__(self, store: ObjectStore, topics: frozenset[str]) -> None:
        super().__init__([], _EVERY_S)
        self._store = store
        self._topics = topics
        self._position: dict[PartitionId, Mark] = {}

    @property
    def messages(self) -> int:
        """How many messages are committed."""
        return sum(each.commit.messages for each in self.seen)

    def _look(self) -> None:
        lake = find_lake(self._store)
        if lake is None:
            return
        found = list(new_commits(self._store, lake, self._position, topics=self._topics))
        now = time.time()
        for tail in found:
            self._position[tail.commit.owner] = mark_of(tail)
            if tail.commit.messages:
                self.seen.append(Seen(tail.commit, now))
