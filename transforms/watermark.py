"""What holds of the watermark of each source, whatever its time is read from."""

from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp


def later(watermark: Timestamp | None, reached: Timestamp) -> Timestamp:
    """Returns a watermark moved on to a time, or as it is: it never moves back."""
    return reached if watermark is None else max(watermark, reached)


def stamp_from(earliest: Timestamp | None, watermark: Timestamp | None) -> Timestamp:
    """Returns the timestamp with which an element of many rows is given out.

    The earliest of their times: whatever is made of them may then be stamped with its own time,
    which is later. But never below the watermark: a row may be late, and the whole element must not
    count as late because of it.

    Args:
        earliest: None if no row has a time.
        watermark: The source's watermark before the element.
    """
    if earliest is None:
        return MIN_TIMESTAMP if watermark is None else watermark
    return later(watermark, earliest)
