"""What metrics tell of a commit."""

from transforms.guard import QUARANTINED
from transforms.lake.commit import SegmentCommit
from transforms.metrics import (
    COMMITTED_BYTES,
    COMMITTED_MESSAGES,
    COMMITTED_SEGMENTS,
    COMMITTED_TIMESTAMP_SECONDS,
    FRESHNESS_SECONDS,
    GAP_OFFSETS,
    QUARANTINED_MESSAGES,
    tell,
)
from transforms.segment import DEAD_LETTER


def tell_commit(commit: SegmentCommit, now: float) -> None:
    """Tells the figures of a commit of one's own.

    Args:
        commit: It is durable.
        now: Seconds since 1970.
    """
    topic, partition = commit.topic, commit.partition
    tell(COMMITTED_SEGMENTS, 1, topic=topic, partition=partition)
    for disposition, reasons in commit.dispositions.items():
        tell(
            COMMITTED_MESSAGES,
            sum(reasons.values()),
            topic=topic,
            partition=partition,
            disposition=disposition,
        )
    size = sum(file.bytes for file in commit.files)
    tell(COMMITTED_BYTES, size, topic=topic, partition=partition)
    if quarantined := commit.dispositions.get(DEAD_LETTER, {}).get(QUARANTINED):
        tell(QUARANTINED_MESSAGES, quarantined, topic=topic, partition=partition)
    if commit.gaps:
        deleted = sum(end - start for start, end in commit.gaps)
        tell(GAP_OFFSETS, deleted, topic=topic, partition=partition)
    if commit.broker_time is not None:
        newest = commit.broker_time[1] / 1000
        # A producer's clock may be ahead of ours.
        tell(FRESHNESS_SECONDS, max(0.0, now - newest), topic=topic)
        tell(COMMITTED_TIMESTAMP_SECONDS, newest, topic=topic, partition=partition)
