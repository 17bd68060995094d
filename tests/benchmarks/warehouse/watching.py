"""A reader of the warehouse that notes when each load can first be queried."""

import time

from tests.benchmarks.watch import Watch
from transforms.redshift import Session, Statements

_EVERY_S = 0.1


class LoadWatch(Watch[dict[int, float]]):
    """Asks for the newest load; what it has seen is when each was first found, since 1970 in s.

    Args:
        session: Used by nobody else meanwhile.
        statements: Of the schema.
    """

    def __init__(self, session: Session, statements: Statements) -> None:
        super().__init__({}, _EVERY_S)
        self._session = session
        self._query = statements.last_load()

    def _look(self) -> None:
        newest = int(self._session.query(self._query)[0][0])
        now = time.time()
        for load in range(len(self.seen) + 1, newest + 1):
            self.seen[load] = now
