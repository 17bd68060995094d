"""Segments that earlier runs may have died of are tried in a process of their own first."""

import logging
from collections.abc import Callable

from transforms.guard import ATTEMPTS, QUARANTINE_MESSAGES, halves, quarantine
from transforms.lake.attempts import Attempts
from transforms.metrics import ALARMS, tell
from transforms.rehearsal import Ending
from transforms.segment import Segment

_log = logging.getLogger(__name__)

Rehearse = Callable[[Segment], Ending]


class Caution:
    """Lets a partition's segments pass, and looks closer where several runs came no further.

    Args:
        attempts: What is noted of the partition at the fence.
        rehearse: Tries a segment; None: there is nothing to try it with, so nothing is quarantined.

    Guarantees: only what killed three processes of its own, one after the other, is quarantined,
    in a range of at most 1,000 messages. However often a run was killed from outside decides
    nothing.
    """

    def __init__(self, attempts: Attempts, rehearse: Rehearse | None) -> None:
        self._attempts = attempts
        self._rehearse = rehearse
        self._suspected_to: int | None = None

    def passed(self, segment: Segment) -> Segment:
        """Returns the segment, or as much of its beginning as may go on its way.

        What is returned begins where the segment does; the reader must read on from its end.
        """
        if self._suspected_to is None:
            self._suspected_to = self._first(segment)
        if self._rehearse is None or segment.start >= self._suspected_to:
            return segment
        piece = segment.slice(segment.start, min(segment.end, self._suspected_to))
        return _survivor(piece, self._rehearse)

    def _first(self, segment: Segment) -> int:
        self._attempts.begin()
        if not self._attempts.suspicious:
            return segment.start
        _log.error(
            "ALARM: %d runs died at %s; it is tried in a process of its own first",
            self._attempts.deaths,
            segment,
        )
        tell(ALARMS, 1, alarm="deaths")
        return segment.end


def _survivor(segment: Segment, rehearse: Rehearse) -> Segment:
    while rehearse(segment) is Ending.DIED:
        if segment.messages.num_rows > QUARANTINE_MESSAGES:
            segment = halves(segment)[0]
        elif all(rehearse(segment) is Ending.DIED for _ in range(1, ATTEMPTS)):
            _log.error("ALARM: %s kills every process that handles it: quarantined", segment)
            tell(ALARMS, 1, alarm="killer")
            return quarantine(segment)
        else:
            break
    return segment
