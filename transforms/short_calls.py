"""A piece of work that is done in many short calls: what its sinks have alike.

A checkpoint waits for the call under way. So a sink of a stream waits for its service a moment only
and has the runner call again later; it claims when all is done.
"""

from typing import Any

from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider

from transforms.errors import ConfigurationError


class OneClaim(RestrictionProvider):
    """An element stands for one piece of work, claimed as 0 when it is done."""

    def initial_restriction(self, _element: Any) -> OffsetRange:
        """Returns the whole of it."""
        return OffsetRange(0, 1)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        """Returns a tracker of it."""
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, _element: Any, restriction: OffsetRange) -> int:
        """Returns 1 until it is done."""
        return int(restriction.size())


def check_call_s(call_s: float | None, such_as: int) -> None:
    """Checks for how long one call waits, in seconds; None is for as long as it takes.

    Raises:
        ConfigurationError: It is not above 0.
    """
    if call_s is not None and call_s <= 0:
        raise ConfigurationError(f"call_s must be above 0, got {call_s}", f"Such as {such_as}")
