"""A reader of the warehouse that notes when each load can first be queried."""

import threading
import time

from transforms.redshift import Session, Statements

#: How exact the notes are. Each look costs the servers some milliseconds that the load lacks.
_EVERY_S = 0.1


class LoadWatch(threading.Thread):
    """Asks for the newest load, again and again, until it is stopped.

    Args:
        session: Used by nobody else meanwhile.
        statements: Of the schema.
    """

    def __init__(self, session: Session, statements: Statements) -> None:
        super().__init__(daemon=True)
        self._session = session
        self._query = statements.last_load()
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._seen: dict[int, float] = {}

    def run(self) -> None:
        try:
            while not self._ended.wait(_EVERY_S):
                self._look()
        except Exception as error:  # noqa: BLE001 - raised again by stop
            self._failure = error

    def stop(self) -> dict[int, float]:
        """Ends it; returns when each load was first found, seconds since 1970.

        Raises:
            PipelineError: The warehouse couldn't be asked all the time.
        """
        self._ended.set()
        self.join()
        if self._failure is not None:
            raise self._failure
        self._look()
        return self._seen

    def _look(self) -> None:
        newest = int(self._session.query(self._query)[0][0])
        now = time.time()
        for load in range(len(self._seen) + 1, newest + 1):
            self._seen[load] = now
