"""What befalls servers and connections, whatever the job runs on.

Each strike is a context: recovery is waited for in its body, and what must be put right afterwards
is put right at its end.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from tests.chaos.plan import (
    CUT,
    LOST,
    S3_ERRORS,
    SERVERS,
    SLOWED,
    TWO,
    WAREHOUSE_ERRORS,
    Fault,
)
from tests.chaos.site import Site
from tests.chaos.watch import Watch
from tests.faults.rules import Action, Cut, CutReply, Delay, Late, Reset, Slow, Status

#: A fault that has come and gone when the context begins; gives the moment at which it struck.
Strike = Callable[[Fault], AbstractContextManager[float]]

#: Method and key of the calls that every run makes.
_PUT_DATA: Final = ("PUT", "/data/")
_PUT_COMMIT: Final = ("PUT", r"_commits/.*\.json$")
_GET_COMMIT: Final = ("GET", r"_commits/.*\.json$")

Call = tuple[str, str]

_CUTS: Final[Sequence[tuple[Call, Action]]] = (
    (_PUT_DATA, Reset()),
    (_PUT_DATA, Reset(after_effect=True)),
    (_PUT_DATA, Cut(0.5)),
    (_PUT_COMMIT, Reset()),
    (_PUT_COMMIT, Reset(after_effect=True)),
    (_PUT_COMMIT, Cut(0.5)),
    (_PUT_COMMIT, Late(5)),
    (_GET_COMMIT, CutReply(0.5)),
)
_SLOW: Final[Sequence[tuple[Call, Action]]] = (
    (_PUT_DATA, Slow(20_000)),
    (_PUT_DATA, Delay(2)),
    (_PUT_COMMIT, Slow(1_000)),
    (_PUT_COMMIT, Delay(2)),
    (_GET_COMMIT, Delay(2)),
)
_ERRORS: Final[Sequence[tuple[Call, Action]]] = (
    (_PUT_DATA, Status(500)),
    (_PUT_DATA, Status(503)),
    (_PUT_COMMIT, Status(500)),
    (_PUT_COMMIT, Status(503)),
    (_PUT_COMMIT, Status(409)),
    (_PUT_COMMIT, Status(412)),
    (_GET_COMMIT, Status(503)),
)
#: Statement and what happens to it.
_WAREHOUSE: Final = (
    ("^lock", "error"),
    ("^copy", "error"),
    ("^copy", "drop_before"),
    ("^update", "drop_after"),
    ("^commit", "drop_before"),
    ("^commit", "drop_after"),
)
_RULES_AT_ONCE: Final = 3


class Job(Protocol):
    """A job under test, and whoever looks after it."""

    @property
    def strikes(self) -> Mapping[str, Strike]:
        """What befalls its own processes, by kind."""

    def begin(self) -> None:
        """Commits the references, in peace."""

    def tend(self) -> None:
        """Does what its supervisor does: starts it again when it has ended."""

    def kill(self, victim: str) -> None:
        """Ends one of its own processes (SIGKILL)."""

    def mend(self, victim: str) -> None:
        """Brings back what of it doesn't come back by itself."""

    def finish(self) -> list[str]:
        """Ends it when all that was sent is in lake and warehouse; returns what went wrong."""


class Strikes:
    """The faults of a run, by kind.

    Args:
        site: The servers.
        job: The job.
        watch: Waits.
    """

    def __init__(self, site: Site, job: Job, watch: Watch) -> None:
        self._site, self._job, self._watch = site, job, watch
        self._by_kind: Mapping[str, Strike] = {
            **dict.fromkeys(SERVERS, self._kill_server),
            TWO: self._kill_two,
            LOST: self._lose,
            CUT: self._cut,
            SLOWED: self._slow,
            S3_ERRORS: self._break_s3,
            WAREHOUSE_ERRORS: self._break_warehouse,
            **job.strikes,
        }

    def of(self, fault: Fault) -> AbstractContextManager[float]:
        """Returns the fault, to be entered."""
        return self._by_kind[fault.kind](fault)

    @contextmanager
    def _kill_server(self, fault: Fault) -> Iterator[float]:
        struck = time.monotonic()
        self._kill([fault.kind], fault)
        yield struck

    @contextmanager
    def _kill_two(self, fault: Fault) -> Iterator[float]:
        struck = time.monotonic()
        self._kill(fault.victims, fault)
        yield struck

    @contextmanager
    def _lose(self, fault: Fault) -> Iterator[float]:
        struck = time.monotonic()
        self._site.brokers.lose(fault.draw)
        yield struck

    def _kill(self, victims: Sequence[str], fault: Fault) -> None:
        for victim in victims:
            if victim in SERVERS:
                self._site.kill(victim, fault.draw)
            else:
                self._job.kill(victim)
        self._watch.pause(fault.lasts_s)
        for victim in victims:
            if victim in SERVERS:
                self._site.start_again(victim)
            else:
                self._job.mend(victim)

    @contextmanager
    def _cut(self, fault: Fault) -> Iterator[float]:
        self._site.servers.redshift.drop_connections()
        with self._befallen(fault, _CUTS) as struck:
            yield struck

    @contextmanager
    def _slow(self, fault: Fault) -> Iterator[float]:
        self._site.servers.redshift.arm("^copy", "delay", seconds=fault.lasts_s, times=2)
        with self._befallen(fault, _SLOW) as struck:
            yield struck

    @contextmanager
    def _break_s3(self, fault: Fault) -> Iterator[float]:
        with self._befallen(fault, _ERRORS) as struck:
            yield struck

    @contextmanager
    def _befallen(self, fault: Fault, choices: Sequence[tuple[Call, Action]]) -> Iterator[float]:
        """Lets some of the choices befall requests, two of each, and waits until they have."""
        struck = time.monotonic()
        rng = random.Random(fault.draw)
        rules = [
            self._site.proxy.add(action, method=method, key=key, nth=rng.randint(1, 3), count=2)
            for (method, key), action in rng.sample(choices, _RULES_AT_ONCE)
        ]
        self._watch.until(lambda: all(rule.applied for rule in rules), "request to befall")
        try:
            yield struck
        finally:
            self._site.proxy.clear()
            self._site.servers.redshift.clear()

    @contextmanager
    def _break_warehouse(self, fault: Fault) -> Iterator[float]:
        redshift = self._site.servers.redshift
        match, action = random.Random(fault.draw).choice(_WAREHOUSE)
        before = redshift.fired()
        struck = time.monotonic()
        redshift.arm(match, action)
        self._watch.until(lambda: redshift.fired() > before, "statement to befall")
        yield struck
