"""A reader of the commit log that notes when each commit can first be seen."""

import threading
import time
from dataclasses import dataclass

from transforms.errors import PipelineError
from transforms.lake import ObjectStore, PartitionId, SegmentCommit, find_lake
from transforms.lake.new_commits import Mark, mark_of, new_commits

#: How exact the notes are. Each look costs the S3 server requests that the job lacks.
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


class CommitWatch(threading.Thread):
    """Looks for new commits, again and again, until it is stopped.

    Args:
        store: The lake's objects.
        topics: Whose commits count.
    """

    def __init__(self, store: ObjectStore, topics: frozenset[str]) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._topics = topics
        self._position: dict[PartitionId, Mark] = {}
        self._ended = threading.Event()
        self._failure: PipelineError | None = None
        self.seen: list[Seen] = []

    @property
    def messages(self) -> int:
        """How many messages are committed."""
        return sum(each.commit.messages for each in self.seen)

    def run(self) -> None:
        try:
            while not self._ended.wait(_EVERY_S):
                self._look()
        except PipelineError as error:
            self._failure = error

    def stop(self) -> list[Seen]:
        """Ends it; returns what it saw.

        Raises:
            PipelineError: The lake couldn't be read all the time.
        """
        self._ended.set()
        self.join()
        if self._failure is not None:
            raise self._failure
        self._look()
        return self.seen

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
