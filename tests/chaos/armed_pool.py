"""The pool of Python workers, but for one thing: a crash point can be set for the next worker.

The crash point is the content of a file. The first worker that is started takes it, and leaves its
process number in a second file; those after it run without.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import runners.pool_workers
from runners import pool
from runners.local import Flink
from runners.local._flink import WorkerPool
from transforms.crash_points import VARIABLE

#: Names the folder of the two files.
FOLDER_VARIABLE: Final = "PHARMABEAM_CHAOS_FOLDER"

_start = runners.pool_workers._started


class ArmedPool(WorkerPool):
    """The pool's handle.

    Args:
        flink: The cluster whose pool it takes the place of.
    """

    def __init__(self, flink: Flink) -> None:
        own = flink.workers
        super().__init__(own._state, own._variables)

    def arm(self, crash: str) -> None:
        """Sets the crash point of the next worker."""
        self._armed_process.unlink(missing_ok=True)
        _crash_file(self.folder).write_text(crash)

    def armed(self) -> int | None:
        """Returns the process that took the crash point, None if none has yet."""
        try:
            return int(self._armed_process.read_text() or 0) or None
        except FileNotFoundError:
            return None

    @property
    def _armed_process(self) -> Path:
        return _process_file(self.folder)

    def _command(self) -> list[str | Path]:
        return [sys.executable, "-m", __name__, "--port", str(self._port("pool"))]

    def _environ(self) -> Mapping[str, str]:
        return {**super()._environ(), FOLDER_VARIABLE: str(self.folder)}


def _crash_file(folder: Path) -> Path:
    return folder / "crash"


def _process_file(folder: Path) -> Path:
    return folder / "armed"


def _taken(folder: Path) -> str:
    """Returns the crash point, once."""
    mine = folder / f"crash-{os.getpid()}"
    try:
        _crash_file(folder).rename(mine)
    except FileNotFoundError:
        return ""
    return mine.read_text()


def _started(*arguments: object) -> object:
    folder = Path(os.environ[FOLDER_VARIABLE])
    # The worker inherits the variable.
    os.environ[VARIABLE] = crash = _taken(folder)
    process = _start(*arguments)  # type: ignore[arg-type]
    if crash:
        _process_file(folder).write_text(str(process.pid))
    return process


if __name__ == "__main__":
    runners.pool_workers._started = _started  # type: ignore[assignment]
    sys.exit(pool.main())
