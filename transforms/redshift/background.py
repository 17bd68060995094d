"""A load in a thread of its own, for a caller that must not wait for it."""

import math
import queue
import threading
import time
from collections.abc import Iterator
from typing import Final

from transforms.errors import PipelineError
from transforms.metrics import Box
from transforms.redshift.loader import Loader
from transforms.redshift.outcome import LoadOutcome, failed_load

#: A wait without end isn't ended by Ctrl-C where a library has asked for calls to be restarted.
_WAIT_S: Final = 1.0


def outcomes(loader: Loader) -> Iterator[LoadOutcome]:
    """Loads what is new; a failure is the last outcome, never an exception."""
    try:
        for result in loader.load():
            yield LoadOutcome(result=result)
    except PipelineError as error:
        yield failed_load(error)


class BackgroundLoad(threading.Thread):
    """One load of what is new.

    Args:
        loader: Loads; used by nobody else until the load has ended.

    Attributes:
        is_done: Whether it has ended, and all its outcomes were given out.
        box: The figures that it has told and that no step has handed over to Beam yet.
    """

    def __init__(self, loader: Loader) -> None:
        # A process that ends waits for no load: the warehouse rolls back what is open.
        super().__init__(name="load", daemon=True)
        self._loader = loader
        self._queue: queue.SimpleQueue[LoadOutcome | None] = queue.SimpleQueue()
        self._bug: Exception | None = None
        self.is_done = False
        self.box = Box()

    def run(self) -> None:
        """Loads, in the thread."""
        try:
            with self.box:
                for outcome in outcomes(self._loader):
                    self._queue.put(outcome)
        except Exception as error:  # noqa: BLE001 - raised again where it is polled
            self._bug = error
        finally:
            self._queue.put(None)

    def poll(self, seconds: float | None) -> Iterator[LoadOutcome]:
        """Yields outcomes as they come, and hands figures over to the step that asks.

        Args:
            seconds: For how long; None until the load has ended.

        Raises:
            Exception: What the load raised, and isn't an error of ours.
        """
        deadline = math.inf if seconds is None else time.monotonic() + seconds
        while not self.is_done:
            left = deadline - time.monotonic()
            try:
                outcome = self._queue.get(timeout=max(0.0, min(left, _WAIT_S)))
            except queue.Empty:
                if left <= 0:
                    return
                continue
            finally:
                self.box.hand_over()
            if outcome is not None:
                yield outcome
                continue
            self.is_done = True
            if self._bug is not None:
                raise self._bug

    def stop(self) -> None:
        """Ends it: what isn't committed is rolled back."""
        self._loader.stop()
