"""The time that a report tells of."""

from dataclasses import dataclass
from typing import Final

from transforms.lake import SegmentCommit


@dataclass(frozen=True, kw_only=True)
class Period:
    """The broker times that the report tells of; half-open, milliseconds since 1970 UTC.

    A commit is told of whole, if one of its messages may lie in the period.
    """

    since: int | None = None
    until: int | None = None

    def holds(self, commit: SegmentCommit) -> bool:
        """Whether a commit is told of; one without messages only where no bound is set."""
        if commit.broker_time is None:
            return self.since is None and self.until is None
        first, last = commit.broker_time
        return (self.since is None or last >= self.since) and (
            self.until is None or first < self.until
        )


#: All that there is.
EVER: Final = Period()
