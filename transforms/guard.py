"""A bug must not stop the pharmacy: what to do with a segment that a transform can't handle.

A segment that fails three times for a reason of its own is bisected. A range of at most 1,000
messages that still fails goes raw to the dead letters as ``quarantined``, with an alarm, and the
rest goes on. Refusals and outages are not the segment's fault: they pass through.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace

import pyarrow.compute as pc

from transforms.errors import (
    ContentionError,
    OutcomeUnknownError,
    RefusedError,
    RetryableError,
)
from transforms.metrics import ALARMS, tell
from transforms.segment import DEAD_LETTER, DISPOSED_SCHEMA, FINDINGS_SCHEMA, Segment, join

_log = logging.getLogger(__name__)

QUARANTINED = "quarantined"
#: A fault that goes away when tried again (memory, a library's race) is not the data's.
ATTEMPTS = 3
#: Small enough to look through by hand, large enough to end a bisection of 50,000 in six steps.
QUARANTINE_MESSAGES = 1_000

#: Not the segment's fault: trying its halves would not help.
OUTSIDE_CAUSES = (RefusedError, RetryableError, OutcomeUnknownError, ContentionError)


def guarded(function: Callable[[Segment], Segment], segment: Segment) -> Segment:
    """Applies a transform's function, isolating the messages that it can't handle.

    Args:
        function: Pure, so that a cut segment gives the same rows as a whole one.
        segment: The transform's input.

    Returns:
        The function's result, in which messages that it can't handle are ``quarantined``; or the
        segment with the refusal or outage that the function met as its ``failure``.
    """
    if segment.failure is not None or is_quarantined(segment):
        return segment
    try:
        return _isolated(function, segment)
    except OUTSIDE_CAUSES as error:
        return replace(segment, failure=error)


def _isolated(function: Callable[[Segment], Segment], segment: Segment) -> Segment:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return function(segment)
        except OUTSIDE_CAUSES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a bug may raise
            _alarm(segment, attempt, error)
    if segment.messages.num_rows <= QUARANTINE_MESSAGES:
        return quarantine(segment)
    return join([_isolated(function, half) for half in halves(segment)])


def halves(segment: Segment) -> tuple[Segment, Segment]:
    """Cuts a segment into two that hold half of the messages each."""
    middle = int(segment.offsets[segment.messages.num_rows // 2])
    return segment.slice(segment.start, middle), segment.slice(middle, segment.end)


def quarantine(segment: Segment) -> Segment:
    """Returns the segment with every message of it a raw dead letter, whatever it was before."""
    emptied = {name: table.slice(0, 0) for name, table in segment.rows.items()}
    nothing = {"disposed": DISPOSED_SCHEMA, "findings": FINDINGS_SCHEMA}
    cleared = {name: schema.empty_table() for name, schema in nothing.items()}
    raw = replace(segment, rows=emptied, **cleared)
    return raw.dispose(DEAD_LETTER, raw.offsets, [QUARANTINED] * raw.messages.num_rows)


def is_quarantined(segment: Segment) -> bool:
    """Whether there are messages, and every one of them is quarantined."""
    count = segment.messages.num_rows
    if not count or segment.disposed.num_rows != count:
        return False
    return bool(pc.all(pc.equal(segment.disposed.column("reason"), QUARANTINED)).as_py())


def _alarm(segment: Segment, attempt: int, error: Exception) -> None:
    # The text of an unknown error may hold a value of the data: its type and place must do.
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    _log.error(
        "ALARM: attempt %d of %d failed on %s with %s at %s; if it goes on failing, the range is "
        "bisected and the messages at fault are quarantined",
        attempt,
        ATTEMPTS,
        segment,
        type(error).__name__,
        place,
    )
    tell(ALARMS, 1, alarm="transform")
