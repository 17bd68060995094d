"""One commit as it is written: what must hold before any file is read."""

import itertools
from collections.abc import Iterator, Sequence

from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.names import DATA, parse_data_key
from transforms.lake.verify.report import Breach, breach
from transforms.segment import DISPOSITIONS, FILTERED, Range


def check_record(commit: SegmentCommit) -> Iterator[Breach]:
    """Yields what contradicts itself in a commit."""
    yield from _counts(commit)
    yield from _ranges(commit, "gap-range", commit.gaps)
    for runs in commit.filtered.values():
        yield from _ranges(commit, "filtered-range", runs)
    times = [file.event_time for file in commit.files if file.event_time is not None]
    whole = (min(t[0] for t in times), max(t[1] for t in times)) if times else None
    if commit.event_time != whole:
        yield breach(commit, "event-time", "its event times are not those of its files")
    for file in commit.files:
        yield from _name(commit, file)


def _counts(commit: SegmentCommit) -> Iterator[Breach]:
    unknown = set(commit.dispositions) - set(DISPOSITIONS)
    if unknown:
        yield breach(commit, "disposition", f"{len(unknown)} of its dispositions are unknown")
    counted = sum(commit.count(name) for name in commit.dispositions)
    if counted != commit.messages:
        what = f"{commit.messages} messages were read, the dispositions count {counted}"
        yield breach(commit, "messages", what)
    listed = {
        reason: sum(end - start for start, end in runs) for reason, runs in commit.filtered.items()
    }
    if listed != dict(commit.dispositions.get(FILTERED, {})):
        what = "the listed filtered offsets are not as many as counted, by reason"
        yield breach(commit, "filtered-count", what)


def _ranges(commit: SegmentCommit, rule: str, ranges: Sequence[Range]) -> Iterator[Breach]:
    inside = all(commit.start <= a < b <= commit.end for a, b in ranges)
    ordered = all(left[1] <= right[0] for left, right in itertools.pairwise(ranges))
    if not (inside and ordered):
        yield breach(commit, rule, "ranges are empty, out of order, or outside the commit's")


def _name(commit: SegmentCommit, file: DataFile) -> Iterator[Breach]:
    name = parse_data_key(file.key)
    said = name and (name.owner, name.start, name.end, name.digest)
    meant = (commit.owner, commit.start, commit.end, file.sha256[:16])
    if said != meant or not file.key.startswith(f"{DATA}{file.dataset}/"):
        what = "the key's partition, range, digest or dataset is not the commit's"
        yield breach(commit, "file-name", what, file.key)
    first, last = file.offsets
    if not commit.start <= first <= last < commit.end:
        yield breach(commit, "file-range", f"rows of {first}-{last} are outside", file.key)
