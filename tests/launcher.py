"""Runs the commands in processes that a test can kill, freeze, wake and interrupt.

    run = launcher.launch(["--mode=drain", ...], environ={...}, crash="lake.before_commit:1:stop")
    run.wait_frozen()
    run.wake()
    assert run.wait().code == 0

The processes are forked by one that has imported everything (`tests/zygote.py`), and end with the
session.
"""

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transforms.crash_points import VARIABLE

PHARMACY = "beam_pipelines.pharmacy.cli:main"
VERIFY = "beam_pipelines.verify.cli:main"

#: Of the dead letters in tests.
DEAD_LETTER_KEY = "5f" * 32
#: Of the pseudonyms in tests.
MASKING_KEY = "6e" * 32

#: A drain of a test takes seconds; a machine that is busy with everything else, some more.
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: Exit code; minus the signal's number if a signal killed it.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that tell the user what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


class Run:
    """A process of one command.

    Args:
        launcher: What started it.
        pid: The process.
        stdout: Its standard output.
        stderr: Its standard error.
    """

    def __init__(self, launcher: "Launcher", pid: int, stdout: Path, stderr: Path) -> None:
        self.pid = pid
        self._launcher = launcher
        self._out = stdout
        self._err = stderr
        self._ended: Ended | None = None
        self._pidfd = os.pidfd_open(pid)

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text(errors="replace")

    @property
    def stdout(self) -> str:
        """What it has written to standard output so far."""
        return self._out.read_text(errors="replace")

    def wait(self, timeout: float = PATIENCE_S) -> Ended:
        """Waits for the end."""
        if self._ended is None:
            # A process of a zombie's number can't be another's: nobody reaps it but we.
            readable, _, _ = select.select([self._pidfd], [], [], timeout)
            assert readable, f"still runs after {timeout} s; it wrote:\n{self.stderr}"
            code = os.waitstatus_to_exitcode(self._launcher.reap(self.pid))
            os.close(self._pidfd)
            self._ended = Ended(code, self._out.read_text(errors="replace"), self.stderr)
        return self._ended

    def has_ended(self) -> bool:
        """Tells whether it has ended."""
        return self._ended is not None or bool(select.select([self._pidfd], [], [], 0)[0])

    def is_frozen(self) -> bool:
        """Tells whether it is stopped where it is."""
        return _state(self.pid) == "T"

    def signal(self, number: int) -> None:
        """Sends the process a signal."""
        if self._ended is None:
            os.kill(self.pid, number)

    def kill(self) -> Ended:
        """Kills it (SIGKILL) and waits for its end."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def interrupt(self) -> None:
        """Sends SIGINT to the process and its children, as Ctrl-C in a terminal does."""
        os.killpg(self.pid, signal.SIGINT)

    def wait_frozen(self, timeout: float = PATIENCE_S) -> None:
        """Waits until it is stopped, as by a crash point's action ``stop``."""
        deadline = time.monotonic() + timeout
        while (state := _state(self.pid)) != "T":
            assert state not in "ZX", f"ended instead of stopping: {self.wait()}"
            assert time.monotonic() < deadline, f"not stopped; it wrote:\n{self.stderr}"
            time.sleep(0.01)

    def freeze(self) -> None:
        """Stops it where it is."""
        self.signal(signal.SIGSTOP)
        self.wait_frozen()

    def wake(self) -> None:
        """Lets a frozen process go on."""
        self.signal(signal.SIGCONT)


class Launcher:
    """Starts commands, from any thread; use `launching`.

    Args:
        folder: Where outputs go.
        zygote: The process that forks.
    """

    def __init__(self, folder: Path, zygote: subprocess.Popen[str]) -> None:
        self._folder = folder
        self._zygote = zygote
        self._numbers = itertools.count(1)
        self._asking = threading.Lock()

    def launch(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        crash: str = "",
        main: str = PHARMACY,
        before: str = "",
    ) -> Run:
        """Starts a command.

        Args:
            argv: Its arguments.
            environ: Variables beside those of the session.
            crash: Crash point, ``name[:nth[:action]]``.
            main: ``module:function``, called with ``argv``; returns the exit code.
            before: ``module:function`` that the process calls first, such as a planted bug.
        """
        number = next(self._numbers)
        stdout, stderr = (self._folder / f"{number}.{name}" for name in ("out", "err"))
        stderr.touch()
        stdout.touch()
        reply = self._ask(
            do="fork",
            main=main,
            argv=list(argv),
            environ={
                "DEAD_LETTER_KEY": DEAD_LETTER_KEY,
                "MASKING_KEY": MASKING_KEY,
                VARIABLE: crash,
                **(environ or {}),
            },
            before=before,
            stdout=str(stdout),
            stderr=str(stderr),
        )
        return Run(self, reply["pid"], stdout, stderr)

    def reap(self, pid: int) -> int:
        """Returns the wait status of a process that has ended."""
        return self._ask(do="reap", pid=pid)["status"]

    def _ask(self, **command: object) -> dict[str, int]:
        assert self._zygote.stdin is not None
        with self._asking:
            self._zygote.stdin.write(json.dumps(command) + "\n")
            self._zygote.stdin.flush()
            return _reply(self._zygote)


@contextmanager
def launching(folder: Path) -> Iterator[Launcher]:
    """Gives a launcher whose processes end with the body.

    Args:
        folder: Where outputs go.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A run that is killed leaves Beam's temporary folders behind.
        env={**os.environ, "TMPDIR": str(folder)},
        # Ctrl-C is for the session, which then ends this.
        start_new_session=True,
    ) as zygote:
        assert zygote.stdin is not None
        try:
            _reply(zygote)
            yield Launcher(folder, zygote)
        finally:
            zygote.stdin.close()


def _reply(zygote: subprocess.Popen[str]) -> dict[str, int]:
    assert zygote.stdout is not None
    line = zygote.stdout.readline()
    assert line, "the zygote has ended"
    reply: dict[str, int] = json.loads(line)
    return reply


def _state(pid: int) -> str:
    """Returns a process's state as the kernel gives it: R, S, D, T, Z, X and so on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return "X"
