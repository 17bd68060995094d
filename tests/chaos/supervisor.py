"""What supervisors of a job have alike, whatever it runs on."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import psutil

from tests.chaos.site import Site
from tests.chaos.watch import Watch
from tests.launcher import Ended, Run

#: How often it is tried to end with all done, once nothing is sent any more.
_LAST_RUNS: Final = 5


class Supervisor:
    """Whoever starts a job again when it has ended.

    Args:
        site: Where it runs.
        before: ``module:function`` that the job's process calls first, such as a planted bug.

    Attributes:
        codes: How often the process ended with each exit code.
        watch: Waits; set before the job begins.
    """

    watch: Watch

    def __init__(self, site: Site, before: str = "") -> None:
        self._site = site
        self._before = before
        self._run: Run | None = None
        self.codes: Counter[int] = Counter()

    def _take_down(self) -> None:
        """Forgets a process that has ended."""
        if self._run is not None and self._run.has_ended():
            self.codes[self._run.wait().code] += 1
            self._run = None


def run_to_the_end(drained: Callable[[], Ended]) -> None:
    """Drains until nothing is left to do.

    Args:
        drained: Drains once.
    """
    for _ in range(_LAST_RUNS):
        ended = drained()
        if ended.code == 0:
            return
    raise AssertionError(f"the job doesn't come to its end: {ended}")


def below(pid: int | None, holds: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Returns the descendants of a process whose command line is one that is looked for."""
    try:
        found = psutil.Process(pid).children(recursive=True) if pid is not None else []
        return [each for each in found if holds(each.cmdline())]
    except psutil.NoSuchProcess:
        return []
