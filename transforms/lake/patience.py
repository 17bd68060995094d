"""Repeating what may safely be repeated through an outage of S3."""

import random
from collections.abc import Callable
from typing import Final, TypeVar

from transforms.errors import (
    ObjectConflictError,
    OutcomeUnknownError,
    RetryableError,
    StoreUnavailableError,
)
from transforms.metrics import RETRIES, tell

T = TypeVar("T")

#: First pause between tries; doubled each time up to the last. Full jitter keeps workers apart.
FIRST_PAUSE_S: Final = 0.1
LAST_PAUSE_S: Final = 5.0


def patiently(
    call: Callable[[], T],
    patience_s: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> T:
    """Repeats a call until it is answered, with growing pauses.

    Args:
        call: May safely be repeated: the same bytes to the same key, or a read.
        patience_s: For how long, in seconds.
        sleep: Pauses.
        monotonic: A clock that only goes forward, in seconds.

    Raises:
        StoreUnavailableError: The outage outlasted the patience.
    """
    deadline, pause = monotonic() + patience_s, FIRST_PAUSE_S
    while True:
        try:
            return call()
        except (RetryableError, OutcomeUnknownError, ObjectConflictError) as error:
            if monotonic() >= deadline:
                raise StoreUnavailableError(
                    f"S3 did not answer for {patience_s:.0f} s ({error.what})",
                    "Start the pipeline again when it does: it goes on from the fences",
                ) from error
        tell(RETRIES, 1, system="s3")
        sleep(random.uniform(0.5, 1.0) * pause)
        pause = min(pause * 2, LAST_PAUSE_S)
