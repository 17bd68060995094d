"""References of a run that goes on: looked at again and again, apart from the segments."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from transforms.lake.setbacks import Setback
from transforms.references.held import Held

_log = logging.getLogger(__name__)

#: How long segments wait for a look that is long overdue: after a quiet night the first one must
#: not be judged by yesterday's references. A checkpoint waits for it, too.
PATIENCE_S: Final = 10.0


class Refresher:
    """What one run's references are in this process, for all its threads.

    A look is made in a thread of its own, at most one at a time, and only where segments come: what
    it finds counts from the next segment on. What fails in it is told and tried again, and what was
    held goes on counting: the lake is never stopped.

    Args:
        look: Returns what is held with what was committed since.
        first: What is held to begin with.
        every_s: How often to look, in seconds; 0 for never.
        clock: A clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        look: Callable[[Held], Held],
        first: Held,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._clock = clock
        self._now = self._before = first
        self._setback = Setback("references not read again; those that are held go on", clock)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._looked_at = self._waited_until = clock()
        self._due_at = self._looked_at + every_s

    def newest(self) -> Held:
        """Returns what counts for a segment that begins now."""
        if not self._every_s:
            return self._now
        with self._lock:
            self._start_if_due()
            thread, left = self._thread, self._waited_until - self._clock()
        if thread is not None and left > 0:
            thread.join(left)
        return self._now

    def of(self, version: str) -> Held | None:
        """Returns what is held of that version; None if that is neither this nor the one before."""
        with self._lock:
            return next((h for h in (self._now, self._before) if h.version == version), None)

    def _start_if_due(self) -> None:
        now = self._clock()
        if self._thread is not None or now < self._due_at or self._setback.waiting:
            return
        if now - self._looked_at >= 2 * self._every_s:
            self._waited_until = now + PATIENCE_S
        self._thread = threading.Thread(target=self._run, name="references", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            found = self._look(self._now)
        except Exception as error:  # noqa: BLE001 - told, and the lake goes on
            self._setback.note(error)
            self._ended(self._now, self._clock())
        else:
            self._setback.over()
            if found.version != self._now.version:
                _log.info("references: %s, after %s", found.version, self._now.version)
            self._ended(found, self._clock() + self._every_s)

    def _ended(self, found: Held, due_at: float) -> None:
        with self._lock:
            if found.version != self._now.version:
                self._before = self._now
            self._now, self._thread = found, None
            self._looked_at, self._due_at = self._clock(), due_at
