"""The commit chain of one partition: finding its tail, and adding to it.

Rules (design, section 2; each was model-checked): the chain has no hole and no overlap. Commit
objects are never overwritten or deleted. A 412 is never success by itself and never means "next
number" without a reload. After an unknown outcome the same bytes go to the same number again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from transforms.crash_points import crash_point
from transforms.errors import (
    ChainError,
    ObjectConflictError,
    ObjectExistsError,
    ObjectMissingError,
)
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit, digest, parse_commit
from transforms.lake.names import PartitionId


@dataclass(frozen=True)
class Tail:
    """The last commit of a chain.

    Attributes:
        commit: The commit itself.
        sha256: Digest of its bytes: ``prev`` of the next one.
    """

    commit: SegmentCommit
    sha256: str

    @property
    def fence(self) -> int:
        """How far the partition has durably come: the next offset to read."""
        return self.commit.end


class CommitChain:
    """One partition's chain. It remembers its tail; not safe for use by two threads at once.

    Args:
        store: The lake's objects.
        owner: The partition.
        lake_id: The lake; commits of another one under this prefix are refused.
    """

    def __init__(self, store: ObjectStore, owner: PartitionId, lake_id: str) -> None:
        self.store = store
        self.owner = owner
        self.lake_id = lake_id
        self._tail: Tail | None = None

    @property
    def remembered(self) -> Tail | None:
        """The tail as far as this process knows, without a look at the store."""
        return self._tail

    def tail(self) -> Tail | None:
        """Returns the remembered tail, or finds it; None for a chain without genesis."""
        return self._tail or self.reload()

    def reload(self) -> Tail | None:
        """Finds the tail in the store, galloping on from the remembered one.

        There are no holes, so doubling steps find a free number and bisection the last taken one.
        """
        known = self._tail.commit.seq if self._tail else -1
        last = _last_taken(self._is_taken, known)
        if last >= 0 and (self._tail is None or last != known):
            self._tail = self.read(last)
        return self._tail

    def read(self, seq: int) -> Tail:
        """Reads one commit and checks that it is this chain's.

        Raises:
            ObjectMissingError: There is none.
            ChainError: It belongs to another lake or partition.
        """
        key = self.owner.commit_key(seq)
        body = self.store.get(key)
        commit = parse_commit(body, key)
        if commit.lake_id != self.lake_id:
            raise ChainError(
                f"{key} belongs to the lake {commit.lake_id}, not to {self.lake_id}",
                "Two lakes were mixed under one prefix: restore one of them elsewhere",
            )
        if commit.owner != self.owner or commit.seq != seq:
            raise ChainError(f"{key} holds the commit of {commit.owner} number {commit.seq}")
        return Tail(commit, digest(body))

    def find(self, seq: int) -> Tail | None:
        """Reads one commit likewise; None if there is none.

        Raises:
            ChainError: It belongs to another lake or partition.
        """
        try:
            return self.read(seq)
        except ObjectMissingError:
            return None

    def read_from(self, seq: int = 0) -> Iterator[Tail]:
        """Yields the commits from a number on, as far as the chain goes."""
        tail = self.reload()
        last = tail.commit.seq if tail else -1
        for number in range(seq, last + 1):
            yield self.read(number)

    def append(self, commit: SegmentCommit) -> bool:
        """Adds a commit after the remembered tail.

        Args:
            commit: Its ``seq``, ``start`` and ``prev`` follow from ``tail()``.

        Returns:
            True if this call's bytes now stand at that number and are the tail. False if the number
            was taken by other bytes: the tail has been reloaded, and the segment must be trimmed.

        Raises:
            ChainError: The commit does not follow from the remembered tail: a bug.
            StoreUnavailableError: The outcome stayed unknown for the store's patience. The PUT may
                still land; the next run reads the chain and goes on from what it finds.
        """
        self._check_follows(commit)
        sent = Tail(commit, digest(commit.to_bytes()))
        crash_point("lake.before_commit")
        self.store.patiently(lambda: self._create_or_reload(sent))
        crash_point("lake.after_commit")
        return self._stands(sent)

    def _is_taken(self, seq: int) -> bool:
        return self.store.size(self.owner.commit_key(seq)) is not None

    def _create_or_reload(self, sent: Tail) -> None:
        """Makes one try.

        An unknown outcome or a 409 is raised on: the same bytes go to the same number again, until
        the number is taken.
        """
        try:
            self.store.create(sent.commit.key, sent.commit.to_bytes())
            crash_point("lake.after_commit_sent")
            self._tail = sent
        except ObjectExistsError as error:
            # Whoever's it is, perhaps that of an earlier try of ours whose reply was lost.
            tail = self.reload()
            if tail is None or tail.commit.seq < sent.commit.seq:
                # Nobody's after all: like a 409, it asks for the same number again.
                raise ObjectConflictError(error.what, error.remedy) from error

    def _stands(self, sent: Tail) -> bool:
        tail = self._tail
        assert tail is not None
        if tail.commit.seq == sent.commit.seq:
            return tail.sha256 == sent.sha256
        return self.read(sent.commit.seq).sha256 == sent.sha256

    def _check_follows(self, commit: SegmentCommit) -> None:
        tail = self._tail
        expected = (tail.commit.seq + 1, tail.fence, tail.sha256) if tail else (0, commit.start, "")
        if (commit.seq, commit.start, commit.prev) != expected or commit.end < commit.start:
            raise ChainError(f"{commit.key} does not follow from the tail of {self.owner}")


def _last_taken(is_taken: Callable[[int], bool], known: int) -> int:
    """Returns the last taken number, given that all up to ``known`` are taken."""
    step = 1
    while is_taken(known + step):
        known, step = known + step, step * 2
    low, high = known, known + step  # low is taken (or -1), high is free
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_taken(middle) else (low, middle)
    return low
