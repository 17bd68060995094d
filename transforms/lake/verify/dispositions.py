"""What became of each message, rebuilt from files and lists, never from counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.lake.commit import SegmentCommit
from transforms.lake.verify.contents import FileRows
from transforms.lake.verify.report import Breach, breach
from transforms.lake.writer import hash_offsets
from transforms.segment import ACCEPTED, DEAD_LETTER, FILTERED, PARKED, column_values

#: The small table that holds dead letters and parked messages. Its name is repeated here, because
#: the lake imports no other folder; a test holds both together.
LETTERS: Final = "dead_letters"

_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Dispositions:
    """The four sets of a commit.

    Attributes:
        offsets: Per disposition and reason the offsets as listed, repetitions included.
    """

    offsets: Mapping[tuple[str, str], np.ndarray[Any, Any]]

    def all(self) -> np.ndarray[Any, Any]:
        """Returns all offsets, ascending, repetitions included."""
        return np.sort(np.concatenate([_NONE, *self.offsets.values()]))

    def counts(self) -> dict[tuple[str, str], int]:
        """Returns the number of offsets by disposition and reason."""
        return {name: len(offsets) for name, offsets in self.offsets.items() if len(offsets)}


def rebuild(
    commit: SegmentCommit, files: Sequence[FileRows], letters: pa.Table | None
) -> Dispositions:
    """Rebuilds the four sets.

    Args:
        commit: Its lists of filtered offsets are used, its counts are not.
        files: The rows of its data files; a message may have several rows, in several datasets.
        letters: Its table of dead letters, or None if it has none.
    """
    found = {(ACCEPTED, ""): np.unique(np.concatenate([_NONE, *(f.offsets for f in files)]))}
    for reason, runs in commit.filtered.items():
        parts = [np.arange(start, end, dtype=np.int64) for start, end in runs]
        found[FILTERED, reason] = np.concatenate([_NONE, *parts])
    return Dispositions({**found, **(_letters(letters) if letters is not None else {})})


def _letters(table: pa.Table) -> dict[tuple[str, str], np.ndarray[Any, Any]]:
    groups = table.group_by(["disposition", "reason"]).aggregate([]).to_pylist()
    found = {}
    for each in groups:
        mask = pc.and_(
            pc.equal(table.column("disposition"), each["disposition"]),
            pc.equal(table.column("reason"), each["reason"]),
        )
        found[each["disposition"], each["reason"]] = column_values(table.filter(mask), "offset")
    return found


def check_dispositions(commit: SegmentCommit, found: Dispositions) -> Iterator[Breach]:
    """Yields where the rebuilt sets and the commit part: the first rule of each chain of cause."""
    names = {name for name, _ in found.offsets}
    if names - {ACCEPTED, DEAD_LETTER, PARKED, FILTERED}:
        yield breach(commit, "disposition", "a dead letter has an unknown disposition")
        return
    whole = found.all()
    doubles = whole[1:][np.diff(whole) == 0]
    if len(doubles):
        what = f"{len(doubles)} messages have two dispositions, first offset {doubles[0]}"
        yield breach(commit, "disjoint", what)
        return
    yield from _counts(commit, found)
    if len(whole) != commit.messages or hash_offsets(whole) != commit.offsets_sha256:
        what = f"files and lists hold {len(whole)} messages, {commit.messages} were read"
        if len(whole) == commit.messages:
            what = "files and lists hold other offsets than were read"
        yield breach(commit, "offsets", what)
        return
    yield from _places(commit, whole)


def _counts(commit: SegmentCommit, found: Dispositions) -> Iterator[Breach]:
    recorded = {
        (name, reason): count
        for name, reasons in commit.dispositions.items()
        for reason, count in reasons.items()
    }
    counts = found.counts()
    for name, reason in sorted(recorded.keys() | counts.keys()):
        have, said = counts.get((name, reason), 0), recorded.get((name, reason), 0)
        if have != said:
            kind = f"{name} ({reason})" if reason else name
            yield breach(commit, "count", f"{have} messages are {kind}, recorded {said}")


def _places(commit: SegmentCommit, whole: np.ndarray[Any, Any]) -> Iterator[Breach]:
    if len(whole) and (whole[0] < commit.start or whole[-1] >= commit.end):
        yield breach(commit, "message-outside", "messages lie outside the commit's range")
    for start, end in commit.gaps:
        first, after = np.searchsorted(whole, (start, end))
        if after > first:
            what = f"{after - first} messages lie in the gap {start}-{end}"
            yield breach(commit, "gap", what)
