"""All servers of a state folder: brought up together, or not at all."""

import contextlib
import secrets
import shlex
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runners.local import _processes, _watchdog
from runners.local._flink import Flink, FlinkSettings
from runners.local._kafka import Kafka, KafkaSettings
from runners.local._redshift import Redshift, RedshiftSettings
from runners.local._s3 import S3, S3Settings
from runners.local._service import READY_TIMEOUT_S, Service
from runners.local._state import Entry, State

__all__ = ["Services", "services"]

#: The servers that are started unless others are named.
ALL = ("kafka", "s3", "redshift")

#: Variable -> the file of a key that lives as long as the data which it opens.
_KEYS = {"DEAD_LETTER_KEY": "dead_letter.key", "MASKING_KEY": "masking.key"}


@dataclass(frozen=True, kw_only=True)
class Services:
    """Handles of the servers of one state folder.

    Attributes:
        state: the record.
        kafka: the broker.
        s3: the S3 server.
        redshift: the stand-in for Amazon Redshift, which reads from the S3 server.
        flink: a Flink cluster of several processes.
    """

    state: State
    kafka: Kafka
    s3: S3
    redshift: Redshift
    flink: Flink

    @classmethod
    def of(
        cls,
        folder: Path,
        kafka: KafkaSettings | None = None,
        s3: S3Settings | None = None,
        redshift: RedshiftSettings | None = None,
        flink: FlinkSettings | None = None,
    ) -> "Services":
        """Returns the handles; nothing is started or looked at."""
        # Servers live on after us, so their paths must not hang on our working folder.
        state = State(folder.absolute())
        lake = S3(state, s3 or S3Settings())
        broker = Kafka(state, kafka or KafkaSettings())
        warehouse = Redshift(state, redshift or RedshiftSettings(), lake)
        sources = (lake, broker, warehouse)
        return cls(
            state=state,
            kafka=broker,
            s3=lake,
            redshift=warehouse,
            flink=Flink(state, flink or FlinkSettings(), lambda: _variables(state, sources)),
        )

    @property
    def all(self) -> tuple[Service, ...]:
        """The servers, in the order in which they start."""
        return (self.s3, self.kafka, self.redshift, *self.flink.all)

    @property
    def expected(self) -> tuple[Service, ...]:
        """The servers that should run: the usual ones, and others that were started."""
        return tuple(each for each in self.all if each.name in ALL or each.is_expected())

    def up(self, names: Collection[str] = ALL) -> None:
        """Starts what doesn't run and waits until all answer.

        Args:
            names: the servers wanted; ``flink`` stands for all processes of the cluster.

        Raises:
            LocalServiceError: one of them doesn't come up.

        Guarantees:
            If this fails or is interrupted, what it had started is stopped again.
        """
        wanted = [each for each in self.all if each.name in names or each.group in names]
        ours = [service for service in wanted if not service.is_alive()]
        try:
            for service in wanted:
                service.start()
            for service in wanted:
                service.wait_ready(READY_TIMEOUT_S)
        except BaseException:
            for service in ours:
                service.kill()
            raise

    def down(self) -> None:
        """Stops every server on record, and a watchdog over them."""
        entries = self.state.entries()
        recorded = [entry.process for entry in entries.values() if entry.process]
        _processes.stop(recorded, grace=10)
        for service in self.all:
            service.kill()
        if _watchdog.NAME in entries:
            self.state.put(_watchdog.NAME, Entry())

    def environ(self) -> Mapping[str, str]:
        """Returns the variables that tell clients where the servers are, and the keys."""
        return _variables(self.state, self.expected)

    def write_environ(self) -> Path:
        """Writes ``env``, shell ``export`` lines readable by the user alone, and returns it."""
        path = self.state.folder / "env"
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.environ().items()]
        path.touch(mode=0o600)
        path.write_text("".join(lines))
        return path

    def purge(self) -> None:
        """Removes what ``up`` made in the folder, and the folder if nothing else is in it.

        A folder without a record isn't touched: it was never ours.
        """
        folder = self.state.folder
        if not (folder / "state.json").exists():
            return
        for name in (*(service.name for service in self.all), "logs"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("env", *_KEYS.values(), "state.json", "lock"):
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def services(
    state_dir: Path,
    *,
    kafka: KafkaSettings | None = None,
    s3: S3Settings | None = None,
    redshift: RedshiftSettings | None = None,
    flink: FlinkSettings | None = None,
    start: Collection[str] = ("kafka", "s3"),
) -> Iterator[Services]:
    """Runs the servers for as long as the body does.

    Args:
        state_dir: folder of their data and logs; data that is there is used again.
        kafka: what the broker serves.
        s3: what the S3 server serves.
        redshift: what the stand-in serves.
        flink: what the Flink cluster consists of.
        start: what to bring up at once; the others can be brought up later with ``up``.

    Raises:
        LocalServiceError: a server doesn't come up.

    Guarantees:
        The servers end with the body and, within a second, with this process, even if it is
        killed.
    """
    handles = Services.of(state_dir, kafka, s3, redshift, flink)
    with handles.state.lock():
        handles.down()
    guard = _processes.launch(
        _watchdog.command(handles.state.folder),
        log=handles.state.folder / "logs" / "watchdog.log",
        record=lambda process: handles.state.put(_watchdog.NAME, Entry(process=process)),
        environ={"PYTHONPATH": _processes.python_path()},
    )
    try:
        handles.up(start)
        yield handles
    finally:
        for service in handles.all:
            service.kill()
        _processes.stop([guard], grace=0)


def _variables(state: State, services: Iterable[Service]) -> Mapping[str, str]:
    """Returns what tells clients where those servers are that were started, and the keys."""
    started = [each for each in services if each.was_started()]
    places = {name: value for each in started for name, value in each.environ().items()}
    return {**places, **{variable: _key(state.folder / name) for variable, name in _KEYS.items()}}


def _key(path: Path) -> str:
    """Returns a key of 32 bytes, made when it is first asked for."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
