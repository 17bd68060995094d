"""The watermark of one partition of a stream, from the Kafka timestamps of its messages.

What an event says of its own time is not known before it is decoded; the timestamp that the
producer gave the message is. It is believed up to a bounded disorder, and never beyond the clock:
a producer whose clock is days ahead must not make everything else late.
"""

import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

from transforms.segment import Segment


def stamp(segment: Segment, watermark: Timestamp | None, now: float) -> Timestamp:
    """Returns the timestamp with which a segment is given out.

    The earliest of its messages: whatever is made of them may then be stamped with its own time,
    which is later. But never below the watermark: a message may be late, and a whole segment must
    not count as late because of it.

    Args:
        segment: What is given out.
        watermark: The partition's watermark before it.
        now: The time, in seconds since 1970.
    """
    floor = MIN_TIMESTAMP if watermark is None else watermark
    times = _times_s(segment, now)
    return max(floor, Timestamp(times[0])) if times else floor


def after(
    segment: Segment, watermark: Timestamp | None, disorder_s: float, now: float
) -> Timestamp | None:
    """Returns the watermark after a segment; it never moves back.

    Args:
        segment: What was given out.
        watermark: The partition's watermark before it.
        disorder_s: How far messages may come behind younger ones, in seconds.
        now: The time, in seconds since 1970.
    """
    times = _times_s(segment, now)
    return later(watermark, Timestamp(times[1] - disorder_s)) if times else watermark


def later(watermark: Timestamp | None, reached: Timestamp) -> Timestamp:
    """Returns a watermark moved on to a time, or as it is."""
    return reached if watermark is None else max(watermark, reached)


def _times_s(segment: Segment, now: float) -> tuple[float, float] | None:
    """Returns the earliest and the latest timestamp, in seconds since 1970, none beyond now."""
    both = pc.min_max(segment.messages.column("timestamp").cast(pa.int64())).as_py()
    if both["min"] is None:
        return None
    # Before 1970 there is no Kafka: such a timestamp says "none", or nonsense.
    first, last = (min(max(both[each] / 1000, 0.0), now) for each in ("min", "max"))
    return first, last
