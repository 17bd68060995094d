"""Which gaps somebody has been told of.

A gap is on record with its commit, but a run that dies between the commit and its own end tells
nobody, and the next run has nothing left to read. So the lake keeps, per partition, up to which
commit the gaps have been told. The mark moves after the telling: a gap is told at least once, and
twice where a run died in between or two runs ended at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit, parse_commit
from transforms.lake.manifest import require_lake
from transforms.lake.names import TOLD_GAPS, PartitionId
from transforms.segment import Range


@dataclass(frozen=True)
class Gap:
    """A range that the broker had deleted before it could be read.

    Attributes:
        owner: The partition.
        range: First offset, and the one after the last.
    """

    owner: PartitionId
    range: Range

    def __str__(self) -> str:
        first, end = self.range
        return (
            f"{self.owner}: the offsets {first} to {end - 1} were deleted from the topic before "
            "they were read"
        )


class GapLedger:
    """The gaps of some partitions that nobody has been told of yet.

    Args:
        store: The lake's objects; there must be a lake.
        owners: The partitions.

    Guarantees: a gap is untold until ``mark_told`` has been called by a run that knew it.
    """

    def __init__(self, store: ObjectStore, owners: Iterable[PartitionId]) -> None:
        self.store = store
        self._lake_id = require_lake(store).lake_id
        self._told = self._marks()
        self._owners = sorted(owners)
        # The genesis has no gap, so a partition that nobody has told of begins after it.
        self._seen = {owner: self._told.get(owner.commits, 0) for owner in self._owners}
        self._gaps: list[Gap] = []

    def untold(self) -> list[Gap]:
        """Reads the commits that it doesn't know yet, and returns the gaps above the marks.

        Raises:
            RetryableError: S3 was away for longer than the store's patience.
        """
        for owner in self._owners:
            while (found := self._next(owner)) is not None:
                self.note(found)
        return sorted(self._gaps, key=lambda gap: (gap.owner, gap.range))

    def note(self, commit: SegmentCommit) -> None:
        """Takes a commit that was read anyway; one that isn't the next of its chain is let be."""
        if commit.seq == self._seen.get(commit.owner, -1) + 1:
            self._gaps.extend(Gap(commit.owner, each) for each in commit.gaps)
            self._seen[commit.owner] = commit.seq

    def mark_told(self) -> None:
        """Sets the marks to the commits that it knows; writes only if one moves."""
        known = {owner.commits: seq for owner, seq in self._seen.items()}
        if any(seq > self._told.get(name, 0) for name, seq in known.items()):
            told = {"lake_id": self._lake_id, "seqs": self._marks() | known}
            self.store.put(TOLD_GAPS, orjson.dumps(told, option=orjson.OPT_SORT_KEYS))

    def _next(self, owner: PartitionId) -> SegmentCommit | None:
        key = owner.commit_key(self._seen[owner] + 1)
        body = self.store.find(key)
        return None if body is None else parse_commit(body, key)

    def _marks(self) -> dict[str, int]:
        body = self.store.find(TOLD_GAPS)
        told = orjson.loads(body) if body is not None else {}
        # The marks of another lake under this prefix say nothing of this one.
        return told["seqs"] if told.get("lake_id") == self._lake_id else {}
