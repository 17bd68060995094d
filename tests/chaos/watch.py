"""Waiting for a run's states, while the job is looked after and the load is checked."""

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tests.chaos.site import Site
from transforms.errors import PipelineError
from transforms.lake.commit import parse_commit
from transforms.redshift import RedshiftSettings, Session, Statements, connect

T = TypeVar("T")

#: What hasn't come about by then never will: the longest that a part of the job waits by itself
#: is two minutes, and a machine that is busy takes its time.
PATIENCE_S: Final = 300.0
#: Each look at the lake lists its commits, which costs the S3 server more than the job's own calls
#: if it is done too often.
_POLL_S: Final = 0.4


class StuckError(Exception):
    """A state that was waited for never came."""


class Watch:
    """What a run has come to: commits in the lake, loads in the warehouse.

    Args:
        site: Where it takes place.
        tend: Called again and again while something is waited for.
    """

    def __init__(self, site: Site, tend: Sequence[Callable[[], None]]) -> None:
        self._store = site.lake.store
        self._settings = RedshiftSettings(**site.redshift_login, patience_s=0)
        self._statements = Statements(self._settings.schema)
        self._session: Session | None = None
        self._tend = tend

    def pause(self, seconds: float) -> None:
        """Lets time pass."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, "time")

    def until(self, holds: Callable[[], T | None], what: str) -> T:
        """Waits for a state; returns what ``holds`` returned when it came.

        Raises:
            StuckError: It didn't come.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not (found := holds()):
            for each in self._tend:
                each()
            if time.monotonic() > deadline:
                raise StuckError(f"no {what} within {PATIENCE_S:.0f} s")
            time.sleep(_POLL_S)
        return found

    def until_progress(self) -> None:
        """Waits for a new segment commit, and for a new load of the warehouse."""
        commits, loads = self.commits(), self._loads()
        self.until(lambda: self.commits() > commits, "new commit")
        self.until(lambda: self._loads() > loads, "new load")

    def commits(self) -> int:
        """How many segment commits the lake has."""
        return sum(1 for _ in self._store.walk("_commits/"))

    def fences(self) -> dict[tuple[str, int], int]:
        """How far each topic and partition is committed."""
        newest: dict[tuple[str, int], str] = {}
        for item in self._store.walk("_commits/"):
            _, topic, _, partition, _ = item.key.split("/")
            place = topic, int(partition)
            newest[place] = max(item.key, newest.get(place, ""))
        return {place: parse_commit(self._store.get(key), key).end for place, key in newest.items()}

    def _loads(self) -> int:
        """The number of the warehouse's last load."""
        return self.until(self._asked, "answer of the warehouse")[0]

    def _asked(self) -> tuple[int] | None:
        try:
            if self._session is None:
                self._session = connect(self._settings)
            return (int(self._session.query(self._statements.last_load())[0][0]),)
        except PipelineError:
            # Sessions that idle are ended, and the faults cut ours, too.
            self.close()
            return None

    def close(self) -> None:
        """Leaves the warehouse."""
        if self._session is not None:
            self._session.close()
            self._session = None
