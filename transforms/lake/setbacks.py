"""When what failed in a stream is tried again."""

import logging
from collections.abc import Callable
from typing import Final

from transforms.errors import OutcomeUnknownError, RetryableError
from transforms.lake.lanes import reason_of
from transforms.metrics import ALARMS, SETBACKS, tell

_log = logging.getLogger(__name__)

#: Of an outage: soon at first, and then often enough to go on within half a minute of its end.
OUTAGE_PAUSES_S: Final = (1.0, 30.0)
#: Of all else: somebody must look. To be tried again without a restart, rarely enough for two
#: writers that got into each other's way not to go on with it.
OTHER_PAUSES_S: Final = (60.0, 600.0)


def is_told(count: int) -> bool:
    """Whether the log tells of a failure that has come so often: of the powers of two."""
    return count & (count - 1) == 0


class Setback:
    """The failures of one thing in a row.

    A stream has no end at which it could report, and must not need a restart: every failure is
    told in the log and tried again, an outage soon, all else slowly.

    Args:
        name: What failed, such as the partition, for the log.
        clock: A clock that only goes forward, in seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name = name
        self._clock = clock
        self._count = 0
        self._until = clock()

    @property
    def waiting(self) -> bool:
        """Whether it is too early to try again."""
        return self._clock() < self._until

    def note(self, error: Exception) -> None:
        """Counts a failure: the pause doubles each time, up to the last."""
        outage = isinstance(error, (RetryableError, OutcomeUnknownError))
        first, last = OUTAGE_PAUSES_S if outage else OTHER_PAUSES_S
        pause: float = min(last, first * 2.0 ** min(self._count, 30))
        self._count += 1
        self._until = self._clock() + pause
        tell(SETBACKS, 1, kind="outage" if outage else "other")
        told = "%s: %s; failure %d in a row, tried again in %.0f s"
        about = (self._name, reason_of(error), self._count, pause)
        if not outage:
            _log.error("ALARM: " + told, *about)
            tell(ALARMS, 1, alarm="setback")
        elif is_told(self._count):
            _log.warning(told, *about)

    def over(self) -> None:
        """Notes that the partition gets on."""
        self._count = 0
