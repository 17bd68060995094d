"""The watermark of one chain, from what its commits say of their rows' event times.

The youngest event is believed up to a bounded disorder, but not beyond the time at which the broker
had it, nor beyond the clock: a producer whose clock is days ahead must not make all else late.
"""

from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.lake.commit import SegmentCommit
from transforms.lake.commit_batches import CommitBatch, FollowSettings
from transforms.watermark import later, stamp_from


def stamp(batch: CommitBatch, watermark: Timestamp | None) -> Timestamp:
    """Returns the timestamp with which a batch is given out; see ``stamp_from``.

    Args:
        batch: What is given out.
        watermark: The chain's watermark before it.
    """
    times = [tail.commit.event_time for tail in batch.tails]
    earliest = min((each[0] for each in times if each is not None), default=None)
    return stamp_from(None if earliest is None else Timestamp(micros=earliest), watermark)


def after(
    batch: CommitBatch, watermark: Timestamp | None, disorder_s: float, now: float
) -> Timestamp | None:
    """Returns the watermark after a batch; it never moves back.

    Args:
        batch: What was given out.
        watermark: The chain's watermark before it.
        disorder_s: How far rows may come behind younger ones, in seconds.
        now: The time, in seconds since 1970.
    """
    seen = [at for tail in batch.tails if (at := _youngest(tail.commit)) is not None]
    if not seen:
        return watermark
    reached = min(Timestamp(micros=max(seen)), Timestamp(now)) - Duration(disorder_s)
    return later(watermark, reached)


def after_quiet(
    watermark: Timestamp | None, quiet_s: float, follow: FollowSettings, now: float
) -> Timestamp:
    """Returns the watermark of a chain that has nothing new.

    It moves on with the clock from where it stands, and is not set by the clock: events that are
    read long after they happened, be it after an outage, must not all be late after a pause.
    A chain that never had a message goes by the clock.

    Args:
        watermark: The chain's watermark before.
        quiet_s: For how long it had nothing new, in seconds.
        follow: How chains are followed.
        now: The time, in seconds since 1970.
    """
    latest = Timestamp(now) - Duration(follow.disorder_s + follow.idle_after_s)
    if watermark is None:
        return latest
    return max(watermark, min(watermark + Duration(quiet_s), latest))


def _youngest(commit: SegmentCommit) -> int | None:
    """Returns the time of a commit's youngest event in microseconds, as far as it is believed."""
    if commit.event_time is None or commit.broker_time is None:
        return None
    return min(commit.event_time[1], commit.broker_time[1] * 1000)
