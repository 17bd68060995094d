"""Keeps to a rate of events, and measures it."""

import time
from collections.abc import Callable, Iterator

from beam_pipelines.produce.chunk import Chunk, Fate

# Between two looks at the clock, the terminal and the delivery reports.
_ROWS_AT_ONCE = 10_000


class Pace:
    """Waits so that no more than `rate` messages are let through per second.

    Args:
        rate: Messages a second; None for as fast as can be.
        clock: Seconds, monotonic.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._start = clock()
        self.messages = 0

    def pieces(self, chunk: Chunk) -> Iterator[Chunk]:
        """The chunk in pieces that last a tenth of a second at most, each when it is due.

        A chunk that is a transaction stays whole.
        """
        rows = _ROWS_AT_ONCE if self._rate is None else max(1, int(self._rate / 10))
        for piece in chunk.slices(rows if chunk.fate is Fate.PLAIN else len(chunk)):
            if self._rate is not None:
                self._sleep(max(0.0, self.messages / self._rate - self.seconds()))
            yield piece
            self.messages += len(piece)

    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start
