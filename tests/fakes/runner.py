"""What calls a splittable DoFn, as a runner does, and what stands for its tracker."""

from collections.abc import Callable
from typing import Any

from apache_beam.io.iobase import RestrictionTracker
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker


def call(
    fn: Any,
    element: Any,
    tracker: RestrictionTracker,
    estimator: Any,
    during: Callable[[ThreadsafeRestrictionTracker], object] | None = None,
) -> tuple[list[Any], tuple[Any, Any] | None]:
    """Makes one call; what it gave out, and the restriction and the delay that it deferred."""
    guarded = ThreadsafeRestrictionTracker(tracker)
    if during:
        during(guarded)
    made = list(fn.process(element, RestrictionTrackerView(guarded), estimator))
    guarded.check_done()
    return made, guarded.deferred_status()


class FakeTracker:
    """Notes what a call did with its restriction."""

    def __init__(self) -> None:
        self.did = ""

    def try_claim(self, position: int) -> bool:
        self.did = "claimed"
        return True

    def defer_remainder(self, delay: Any) -> None:
        self.did = f"deferred {delay.micros // 1_000_000} s"
