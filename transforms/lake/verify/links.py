"""The chain: genesis, numbers, ranges and hashes, link by link."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.errors import ChainError, ObjectMissingError
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit, digest, parse_commit
from transforms.lake.names import PartitionId
from transforms.lake.verify.report import Breach, breach


@dataclass(frozen=True)
class Link:
    """A commit's object as it was read.

    Attributes:
        owner: The chain, by its key.
        seq: The number, by its key.
        sha256: Digest of its bytes; empty if it is gone.
        commit: What it says, or None if it can't be read.
        fault: Why not.
    """

    owner: PartitionId
    seq: int
    sha256: str
    commit: SegmentCommit | None
    fault: str = ""


def read_link(store: ObjectStore, owner: PartitionId, seq: int) -> Link:
    """Reads one commit; what is wrong with it stands in the link."""
    key = owner.commit_key(seq)
    try:
        body = store.get(key)
    except ObjectMissingError:
        return Link(owner, seq, "", None, "it is gone")
    try:
        commit = parse_commit(body, key)
    except ChainError as error:
        return Link(owner, seq, digest(body), None, error.what)
    if commit.to_bytes() != body:
        return Link(owner, seq, digest(body), None, "its bytes are not those that we write")
    return Link(owner, seq, digest(body), commit)


class ChainWalk:
    """Follows one chain and finds where it breaks.

    Args:
        lake_id: The lake that each commit must name.
        owner: The chain.
        birth: Genesis of the topic's partition 0, which holds the starts of all; None if missing.
    """

    def __init__(self, lake_id: str, owner: PartitionId, birth: SegmentCommit | None) -> None:
        self._lake_id = lake_id
        self._owner = owner
        self._birth = birth
        self._before: Link | None = None
        self._next = 0

    def follow(self, link: Link) -> Iterator[Breach]:
        """Yields what is wrong with the next link."""
        if link.seq != self._next:
            yield self._hole(link.seq)
            self._before = None  # What stood in between is unknown: nothing to compare with.
        self._next = link.seq + 1
        if link.commit is None:
            yield self._at("commit-unreadable", link.fault, link.seq)
        else:
            yield from self._identity(link.seq, link.commit)
            yield from self._range(link.commit)
        self._before = link

    def _hole(self, found: int) -> Breach:
        if self._next == 0:
            return self._at("genesis-missing", "the chain has no commit number 0", 0)
        gone = found - self._next
        return self._at("hole", f"{gone} commits are missing before number {found}", self._next)

    def _at(self, rule: str, what: str, seq: int) -> Breach:
        key = self._owner.commit_key(seq)
        return Breach(rule=rule, what=what, chain=str(self._owner), seq=seq, key=key)

    def _identity(self, seq: int, commit: SegmentCommit) -> Iterator[Breach]:
        if (commit.owner, commit.seq) != (self._owner, seq):
            what = f"it says that it is number {commit.seq} of {commit.owner}"
            yield self._at("owner", what, seq)
        if commit.lake_id != self._lake_id:
            yield breach(commit, "lake-id", f"it belongs to the lake {commit.lake_id}")
        if self._birth is not None and commit.cluster_id != self._birth.cluster_id:
            yield breach(commit, "cluster-id", f"it comes from the cluster {commit.cluster_id}")

    def _range(self, commit: SegmentCommit) -> Iterator[Breach]:
        if commit.end < commit.start:
            yield breach(commit, "range", "its range ends before it starts")
        if self._next == 1:
            yield from check_genesis(commit, self._birth)
            return
        if commit.genesis is not None:
            yield breach(commit, "genesis", "only number 0 may be a genesis")
        before = self._before
        if before is None:
            return
        if before.sha256 and commit.prev != before.sha256:
            yield breach(commit, "prev", "prev is not the sha256 of the commit before")
        if before.commit is not None and commit.start != before.commit.end:
            kind = "hole" if commit.start > before.commit.end else "overlap"
            yield breach(commit, "start", f"{kind}: the commit before ends at {before.commit.end}")


def check_genesis(commit: SegmentCommit, birth: SegmentCommit | None) -> Iterator[Breach]:
    """Yields what is wrong with a commit number 0.

    Args:
        commit: The genesis.
        birth: That of the topic's partition 0, or None if there is none to compare with.
    """
    if commit.genesis is None:
        yield breach(commit, "genesis", "commit number 0 is no genesis")
        return
    if commit.prev or commit.start != commit.end or commit.messages or commit.files:
        yield breach(commit, "genesis", "a genesis has no predecessor, range, message or file")
    starts = _starts(birth)
    if starts is None:
        if commit.partition == 0:
            yield breach(commit, "genesis", "it holds no table of the partitions' starts")
        return
    # A partition that is not in the table came later; its start was the broker's earliest offset.
    settled = starts.get(str(commit.partition), None if commit.partition else "nothing")
    if settled is not None and settled != commit.start:
        what = f"it starts at {commit.start}, partition 0's genesis says {settled}"
        yield breach(commit, "genesis-start", what)


def _starts(birth: SegmentCommit | None) -> Mapping[str, Any] | None:
    starts = (birth.genesis or {}).get("starts") if birth is not None else None
    return starts if isinstance(starts, dict) else None
