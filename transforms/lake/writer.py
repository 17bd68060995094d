"""Writing one segment: trim to the fence, store the data files, add one commit.

The order is the proof: a commit names only files that are durable, and nothing counts before the
commit. A crash in between leaves orphans, which readers never see and a sweep removes.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.crash_points import crash_point
from transforms.derived import DerivedTable
from transforms.guard import (
    ATTEMPTS,
    OUTSIDE_CAUSES,
    QUARANTINE_MESSAGES,
    halves,
    is_quarantined,
    quarantine,
)
from transforms.lake.chain import Tail
from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.files import Built, DatasetLayout, build_files
from transforms.lake.keys import versions_after
from transforms.lake.lanes import Lane
from transforms.metrics import ALARMS, tell
from transforms.segment import ACCEPTED, FILTERED, Range, Segment, column_values

_log = logging.getLogger(__name__)

#: The severity of findings that rows tell of, in ``_warnings``. Its name is repeated here, because
#: the lake imports no other folder; a test holds both together.
WARN: Final = "warn"


class SegmentWriter:
    """Writes segments of any partition; keeps no state between them.

    Args:
        layouts: How each dataset's rows are placed.
        derived: Tables to derive and commit along, already set up.
        writer: This process's name, for the commits.

    Guarantees: when ``write`` returns, every message of the segment below its end is in exactly one
    commit of the chain, this writer's or another's; or the segment began above the fence, and
    nothing was done.
    """

    def __init__(
        self, layouts: Mapping[str, DatasetLayout], derived: Sequence[DerivedTable], writer: str
    ) -> None:
        self._layouts = layouts
        self._derived = derived
        self._writer = writer

    def write(self, lane: Lane, segment: Segment) -> None:
        """Makes a segment part of the lake.

        Raises:
            ContentionError: Another writer took five commits in a row.
            LakeMismatchError: The rows were masked with another key of the same name.
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        while (trimmed := _trimmed(lane, segment)) is not None:
            stored = self._stored(lane, trimmed)
            if stored is None:
                for half in halves(trimmed):
                    self.write(lane, half)
                return
            if self._committed(lane, *stored):
                return

    def _committed(self, lane: Lane, segment: Segment, files: Sequence[DataFile]) -> bool:
        tail = lane.chain.tail()
        assert tail is not None
        commit = describe(segment, files, tail, self._writer)
        if lane.chain.append(commit):
            lane.won(Tail(commit, ""))
            return True
        winner = lane.chain.tail()
        lane.lost(winner.commit.writer if winner else "?")
        return False

    def _stored(self, lane: Lane, segment: Segment) -> tuple[Segment, list[DataFile]] | None:
        """Stores the segment's files; None if the segment must be cut in two first.

        A small range whose files can't be made is quarantined, which always can be stored. What is
        returned is the segment as it was stored: the commit must tell of that one.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return segment, self._store(lane, segment)
            except OUTSIDE_CAUSES:
                raise
            except Exception as error:  # whatever a bug may raise
                if attempt == ATTEMPTS and _is_bare(segment):
                    raise
                # Its text may hold a value of the data: the type must do.
                _log.error(
                    "ALARM: attempt %d of %d to write %s failed with %s",
                    attempt,
                    ATTEMPTS,
                    segment,
                    type(error).__name__,
                )
                tell(ALARMS, 1, alarm="write")
        if segment.messages.num_rows > QUARANTINE_MESSAGES:
            return None
        return self._stored(lane, quarantine(segment))

    def rehearse(self, segment: Segment) -> None:
        """Does all that ``write`` does with a segment, but stores nothing."""
        for _ in self._built(segment, ""):
            pass

    def _built(self, segment: Segment, lake_id: str) -> Iterator[Built]:
        segment.check()
        small = {each.name: each.derive(segment) for each in self._derived}
        return build_files(segment, self._layouts, small, _footer(lake_id, segment))

    def _store(self, lane: Lane, segment: Segment) -> list[DataFile]:
        tail = lane.chain.tail()
        assert tail is not None
        versions_after(tail.commit, segment.versions)  # What is refused must leave no files.
        files = []
        for built in self._built(segment, lane.chain.lake_id):
            crash_point("lake.before_data_file")
            lane.chain.store.put(built.file.key, built.body)
            crash_point("lake.after_data_file")
            files.append(built.file)
        return files


def describe(segment: Segment, files: Sequence[DataFile], tail: Tail, writer: str) -> SegmentCommit:
    """Returns the commit that puts a segment after a tail.

    Raises:
        LakeMismatchError: The rows were masked with another key of the same name.
    """
    before = tail.commit
    times = [file.event_time for file in files if file.event_time is not None]
    return SegmentCommit(
        lake_id=before.lake_id,
        cluster_id=before.cluster_id,
        topic=segment.topic,
        topic_id=segment.topic_id,
        partition=segment.partition,
        seq=before.seq + 1,
        start=segment.start,
        end=segment.end,
        prev=tail.sha256,
        messages=segment.messages.num_rows,
        offsets_sha256=hash_offsets(segment.offsets),
        dispositions=count_dispositions(segment),
        filtered=filtered_runs(segment.disposed),
        gaps=segment.gaps,
        broker_time=_broker_time(segment),
        event_time=(min(t[0] for t in times), max(t[1] for t in times)) if times else None,
        files=tuple(files),
        rules=count_rules(segment.findings),
        warnings=count_warnings(segment),
        versions=versions_after(before, segment.versions),
        writer=writer,
    )


def hash_offsets(offsets: np.ndarray[Any, Any]) -> str:
    """Returns the SHA-256 over ascending offsets as little-endian int64."""
    return hashlib.sha256(np.ascontiguousarray(offsets, dtype="<i8").tobytes()).hexdigest()


def count_dispositions(segment: Segment) -> dict[str, dict[str, int]]:
    """Returns the number of messages by disposition and reason."""
    counted: dict[str, dict[str, int]] = {}
    groups = segment.disposed.group_by(["disposition", "reason"]).aggregate([([], "count_all")])
    for row in groups.to_pylist():
        counted.setdefault(row["disposition"], {})[row["reason"]] = row["count_all"]
    accepted = segment.messages.num_rows - segment.disposed.num_rows
    return {**({ACCEPTED: {"": accepted}} if accepted else {}), **counted}


def count_rules(findings: pa.Table) -> dict[str, dict[str, int]]:
    """Returns the number of messages by rule and source system."""
    counted: dict[str, dict[str, int]] = {}
    groups = findings.group_by(["rule", "source_system"]).aggregate([([], "count_all")])
    for row in groups.to_pylist():
        counted.setdefault(row["rule"], {})[row["source_system"]] = row["count_all"]
    return counted


def count_warnings(segment: Segment) -> dict[str, int]:
    """Returns by rule the accepted messages that it warns of, from findings and not from rows."""
    warns = segment.findings.filter(pc.equal(segment.findings.column("severity"), WARN))
    gone = pc.is_in(warns.column("offset"), value_set=segment.disposed.column("offset"))
    counts = warns.filter(pc.invert(gone)).column("rule").value_counts()
    return {each["values"]: each["counts"] for each in counts.to_pylist()}


def filtered_runs(disposed: pa.Table) -> dict[str, tuple[Range, ...]]:
    """Returns per reason the runs ``[first, last + 1)`` of filtered offsets."""
    filtered = disposed.filter(pc.equal(disposed.column("disposition"), FILTERED))
    reasons = sorted(set(filtered.column("reason").to_pylist()))
    return {
        reason: runs(
            column_values(filtered.filter(pc.equal(filtered.column("reason"), reason)), "offset")
        )
        for reason in reasons
    }


def runs(offsets: np.ndarray[Any, Any]) -> tuple[Range, ...]:
    """Returns ascending numbers as runs ``[first, last + 1)``."""
    if not len(offsets):
        return ()
    breaks = np.flatnonzero(np.diff(offsets) != 1)
    starts = offsets[np.concatenate([[0], breaks + 1])]
    ends = offsets[np.concatenate([breaks, [len(offsets) - 1]])] + 1
    return tuple((int(a), int(b)) for a, b in zip(starts, ends, strict=True))


def _trimmed(lane: Lane, segment: Segment) -> Segment | None:
    """Cuts what lies below the fence; None if nothing is left, or the segment begins above it."""
    fence = lane.fence
    if segment.start > fence:
        # The reader must come back to the fence first. Committing here would leave a hole.
        _log.warning("%s begins above the fence %d: dropped, to be read again", segment, fence)
        return None
    if segment.end <= fence:
        return None
    return segment if segment.start == fence else segment.slice(fence, segment.end)


def _is_bare(segment: Segment) -> bool:
    # There is nothing left that quarantine could take away.
    return not segment.messages.num_rows or is_quarantined(segment)


def _broker_time(segment: Segment) -> tuple[int, int] | None:
    both = pc.min_max(segment.messages.column("timestamp").cast(pa.int64())).as_py()
    return None if both["min"] is None else (both["min"], both["max"])


def _footer(lake_id: str, segment: Segment) -> dict[str, str]:
    return {
        "lake_id": lake_id,
        "topic": segment.topic,
        "topic_id": segment.topic_id,
        "partition": str(segment.partition),
        "offsets": f"{segment.start}-{segment.end}",
        **{f"version.{name}": text for name, text in segment.versions.items()},
    }
