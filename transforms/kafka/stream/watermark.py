"""The watermark of one partition of a stream, from the Kafka timestamps of its messages.

What an event says of its own time is not known before it is decoded; the timestamp that the
producer gave the message is. It is believed up to a bounded disorder, and never beyond the clock:
a producer whose clock is days ahead must not make everything else late.
"""

import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.utils.timestamp import Timestamp

from transforms.segment import Segment
from transforms.watermark import later, stamp_from


def stamp(segment: Segment, watermark: Timestamp | None, now: float) -> Timestamp:
    """Returns the timestamp with which a segment is given out; see ``stamp_from``.

    Args:
        segment: What is given out.
        watermark: The partition's watermark before it.
        now: The time, in seconds since 1970.
    """
    times = _times_s(segment, now)
    return stamp_from(Timestamp(times[0]) if times else None, watermark)


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


def _times_s(segment: Segment, now: float) -> tuple[float, float] | None:
    """Returns the earliest and the latest timestamp, in seconds since 1970, none beyond now."""
    both = pc.min_max(segment.messages.column("timestamp").cast(pa.int64())).as_py()
    if both["min"] is None:
        return None
    # Before 1970 there is no Kafka: such a timestamp says "none", or nonsense.
    first, last = (min(max(both[each] / 1000, 0.0), now) for each in ("min", "max"))
    return first, last
