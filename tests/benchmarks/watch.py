"""A reader that looks at something again and again while a benchmark runs."""

import threading
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class Watch(threading.Thread, ABC, Generic[Seen]):
    """Looks until it is stopped.

    Args:
        seen: What the looks add to.
        every_s: How exact the notes are. Each look costs the servers time that the job lacks.
    """

    def __init__(self, seen: Seen, every_s: float) -> None:
        super().__init__(daemon=True)
        self.seen = seen
        self._every_s = every_s
        self._ended = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._ended.wait(self._every_s):
                self._look()
        except Exception as error:  # noqa: BLE001 - raised again by stop
            self._failure = error

    def stop(self) -> Seen:
        """Ends it, after a last look; returns what it saw.

        Raises:
            Exception: It could not look all the time.
        """
        self._ended.set()
        self.join()
        if self._failure is not None:
            raise self._failure
        self._look()
        return self.seen

    @abstractmethod
    def _look(self) -> None:
        """Notes what is new."""
