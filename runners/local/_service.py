"""A server as one handle: start, wait, kill, freeze, stop; the same ports and data every time."""

import abc
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from runners.errors import LocalServiceError
from runners.local import _ports, _processes
from runners.local._state import Entry, State

# Servers are up in 1 to 4 s on a quiet machine; a busy two-core one has been seen to need 20.
READY_TIMEOUT_S = 90

# Both servers end within 3 s of a SIGTERM unless something is wrong with them.
_STOP_GRACE_S = 10


class Service(abc.ABC):
    """A server of a state folder.

    Args:
        state: the record that names its ports and its process.

    Guarantees:
        What runs is on record before it runs, so a later process can stop it. Nothing that isn't
        on record is ever signaled.
    """

    name: str

    #: The name of what it is a part of, where several processes are started together.
    group: str | None = None

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def folder(self) -> Path:
        """The folder of this server's configuration and data."""
        return self._state.folder / self.name

    @property
    def log(self) -> Path:
        """The file with the server's output."""
        return self._state.folder / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The server's process number, None if it doesn't run."""
        process = self._entry.process
        return process.pid if process and process.is_alive() else None

    def is_alive(self) -> bool:
        """Tells whether the process runs (a frozen one counts)."""
        return self.pid is not None

    def was_started(self) -> bool:
        """Tells whether the server ever ran for this state folder."""
        return self.name in self._state.entries()

    def is_expected(self) -> bool:
        """Tells whether the server was started and not stopped since, whether it runs or not."""
        return self._entry.process is not None

    def is_ready(self) -> bool:
        """Tells whether the server answers a real request now."""
        return self.is_alive() and self._answers()

    def start(self) -> bool:
        """Starts the server unless it runs; doesn't wait for it.

        Returns:
            Whether it was started.

        Raises:
            LocalServiceError: a port is taken, or the server can't be set up.
        """
        if self.is_alive():
            return False
        ports = self._claim_ports()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._prepare()
        _processes.launch(
            self._command(),
            log=self.log,
            environ=self._environ(),
            record=lambda process: self._state.put(self.name, Entry(ports=ports, process=process)),
        )
        return True

    def wait_ready(self, timeout: float = READY_TIMEOUT_S) -> None:
        """Waits until the server answers.

        Raises:
            LocalServiceError: it ended, or didn't answer within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if not self.is_alive():
                raise LocalServiceError(self.name, f"it ended: {self._last_line()}", self._see())
            if time.monotonic() > deadline:
                reason = f"it runs but didn't answer within {timeout:.0f} s"
                raise LocalServiceError(self.name, reason, f"{self._see()}; or stop it first")
            time.sleep(0.05)
        self._finish()

    def stop(self) -> None:
        """Ends the server as an operator would; nothing happens if it doesn't run."""
        self._end(_STOP_GRACE_S)

    def kill(self) -> None:
        """Ends the server at once (SIGKILL), as a crash would."""
        self._end(0)

    def restart(self, timeout: float = READY_TIMEOUT_S) -> None:
        """Starts the server again on the same ports and data, and waits until it answers."""
        self.stop()
        self.start()
        self.wait_ready(timeout)

    def freeze(self) -> None:
        """Stops the process where it stands; connections stay open and nothing is answered."""
        if process := self._entry.process:
            _processes.freeze(process)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        if process := self._entry.process:
            _processes.thaw(process)

    @abc.abstractmethod
    def environ(self) -> Mapping[str, str]:
        """Returns the variables that tell a client where the server is."""

    @abc.abstractmethod
    def _port_names(self) -> tuple[str, ...]:
        """Returns what listens: a port is chosen for each."""

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Writes configuration and, the first time, an empty store."""

    @abc.abstractmethod
    def _command(self) -> list[str | Path]:
        """Returns the command line, the program as an absolute path."""

    @abc.abstractmethod
    def _answers(self) -> bool:
        """Makes one real request; must return within a few seconds, whatever happens."""

    def _choose_ports(self, names: Sequence[str], taken: Collection[int]) -> dict[str, int]:
        """Returns a free port for each name, and for others that come with it."""
        return dict(zip(names, _ports.free_ports(len(names), taken=taken), strict=True))

    def _environ(self) -> Mapping[str, str]:
        return {}

    def _finish(self) -> None:  # noqa: B027 - most servers have nothing to do here
        """Does what can only be done once the server answers; may be repeated."""

    @property
    def _entry(self) -> Entry:
        return self._state.entry(self.name)

    def _port(self, name: str) -> int:
        try:
            return self._entry.ports[name]
        except KeyError:
            reason = f"its {name} port isn't known before it was started"
            raise LocalServiceError(self.name, reason, "start it first") from None

    def _claim_ports(self) -> dict[str, int]:
        ports = self._entry.ports
        missing = [name for name in self._port_names() if name not in ports]
        everyone = {p for entry in self._state.entries().values() for p in entry.ports.values()}
        ports = {**ports, **self._choose_ports(missing, everyone)}
        if (port := _ports.first_taken(ports.values())) is not None:
            raise LocalServiceError(
                self.name,
                f"its port {port} is taken by another program",
                "end that program, or take another --state_dir",
            )
        self._state.put(self.name, Entry(ports=ports))
        return ports

    def _end(self, grace: float) -> None:
        entry = self._entry
        if entry.process:
            _processes.stop([entry.process], grace=grace)
            self._state.put(self.name, Entry(ports=entry.ports))

    def _last_line(self) -> str:
        try:
            with self.log.open(errors="replace") as file:
                told = (line.strip() for line in file if line.strip() and line[0] != "\t")
                lines = deque(told, maxlen=1)
        except OSError:
            return "it left no log"
        return lines[0][:200] if lines else "its log is empty"

    def _see(self) -> str:
        return f"see {self.log}"
