"""What runs for a state folder: ``state.json``, written whole and before anything can fail."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runners.errors import LocalServiceError, StateFolderError
from runners.local._processes import ProcessId

_FORMAT = 1

# A second `up` waits for the first one, which may have to download 44 MB of jars.
_LOCK_TIMEOUT_S = 120


@dataclass(kw_only=True)
class Entry:
    """One service on record.

    Attributes:
        ports: by what listens there; chosen once for a state folder, then kept.
        process: the server, None if it was stopped.
    """

    ports: dict[str, int] = field(default_factory=dict)
    process: ProcessId | None = None


class State:
    """The record of one state folder.

    Args:
        folder: the state folder; made by `lock`.

    Every read is from the file: several processes may look at one folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "state.json"

    def entry(self, service: str) -> Entry:
        """Returns what is on record for a service; an empty entry if nothing is."""
        return self.entries().get(service, Entry())

    def entries(self) -> dict[str, Entry]:
        """Returns all services on record.

        Raises:
            StateFolderError: the file isn't one of ours.
        """
        try:
            document = json.loads(self._path.read_text())
            if document["format"] != _FORMAT:
                raise ValueError(f"format {document['format']}")
            return {name: _entry(value) for name, value in document["services"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateFolderError(
                str(self._path),
                f"not readable ({type(error).__name__})",
                "end the servers by hand if they run, remove the file, or take another --state_dir",
            ) from error

    def put(self, service: str, entry: Entry) -> None:
        """Records a service; a reader sees the record before or after, never half."""
        services = {**self.entries(), service: entry}
        document = {
            "format": _FORMAT,
            "services": {name: _document(value) for name, value in services.items()},
        }
        part = self._path.with_name(f".state.{os.getpid()}")
        part.write_text(json.dumps(document, indent=1) + "\n")
        part.replace(self._path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps a second ``up`` or ``down`` out while the body runs; makes the folder.

        Raises:
            StateFolderError: the folder can't be made.
            LocalServiceError: it stays locked.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / "lock").open("w")
        except OSError as error:
            raise StateFolderError(
                str(self.folder),
                f"can't be used as a state folder ({error.strerror})",
                "give another one as --state_dir",
            ) from error
        # The kernel drops the lock with the process: none is left behind by a crash.
        with file:
            self._await_lock(file.fileno())
            yield

    def _await_lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + _LOCK_TIMEOUT_S
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalServiceError(
                        str(self.folder),
                        f"locked by another up or down for over {_LOCK_TIMEOUT_S} s",
                        "wait for it or end it",
                    ) from None
                time.sleep(0.1)


def _document(entry: Entry) -> dict[str, object]:
    process = entry.process
    named = process and {"pid": process.pid, "created": process.created}
    return {"ports": entry.ports, "process": named}


def _entry(value: dict[str, Any]) -> Entry:
    process = value["process"]
    return Entry(
        ports={name: int(port) for name, port in value["ports"].items()},
        process=ProcessId(**process) if process else None,
    )
