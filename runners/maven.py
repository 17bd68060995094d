"""Fetch Maven artifacts with jgo: no Maven, no configuration of ours.

Class paths are locked lists in ``runners/jars``: a graph of POMs takes a minute to walk and drifts.
Fetching is ours, because jgo writes straight to the final name (an interrupted download would stay
in the repository for good) and only warns about a wrong checksum. What was fetched is remembered,
so that the second call asks nobody.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from runners.errors import MavenError

__all__ = ["cache_dir", "jars", "locked", "replacing"]

_LOG = logging.getLogger(__name__)

# Connections are reset and servers answer 5xx now and then; more tries only delay a clear error.
_TRIES = 4
_PAUSE_S = 1.0  # before the second try; it doubles from there
_TIMEOUT_S = 30
_CHUNK = 1 << 18

# Raised when the format of the remembered lists, or what `jars` means by its arguments, changes.
_LIST_FORMAT = 2


def cache_dir() -> Path:
    """Returns this project's per-user cache folder; it need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pharmabeam"


def locked(name: str) -> list[str]:
    """Returns the coordinates of the class path ``runners/jars/NAME.txt``, in its order."""
    text = resources.files("runners").joinpath("jars", f"{name}.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def jars(
    coordinates: Sequence[str], *, label: str = "", console: Console | None = None
) -> list[Path]:
    """Returns the local files of Maven coordinates, without what they depend on.

    Args:
        coordinates: ``group:artifact:version`` each.
        label: what they are together, for the progress; the coordinates themselves by default.
        console: where progress goes; standard error by default.

    Returns:
        Absolute paths, in the order of ``coordinates``.

    Raises:
        MavenError: an artifact doesn't exist, can't be reached, or has a wrong checksum.

    Guarantees:
        Each file is whole: it was checked against its published SHA-1 before it got its name.
        Any number of processes may call this at once.
    """
    request = json.dumps([_LIST_FORMAT, list(coordinates)])
    digest = hashlib.sha256(request.encode()).hexdigest()
    remembered = cache_dir() / "maven" / f"{digest[:32]}.json"
    known = _remembered(remembered)
    if known is not None:
        return known
    paths = _fetch(coordinates, label or ", ".join(coordinates), console or Console(stderr=True))
    _remember(remembered, paths)
    return paths


def _remembered(path: Path) -> list[Path] | None:
    """Returns the list kept at ``path`` if each file is still there with its size."""
    try:
        entries = json.loads(path.read_text())
        if all(Path(name).stat().st_size == size for name, size in entries):
            return [Path(name) for name, _ in entries]
    except (OSError, ValueError, TypeError):
        return None
    return None


def _remember(path: Path, paths: list[Path]) -> None:
    entries = [(str(jar), jar.stat().st_size) for jar in paths]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(json.dumps(entries))


def _fetch(coordinates: Sequence[str], label: str, console: Console) -> list[Path]:
    began = time.monotonic()
    with _progress(console) as progress:
        meter = _Meter(progress, f"Fetching {label}")
        artifacts = _artifacts(coordinates, meter)
        with ThreadPoolExecutor(max_workers=4) as pool:
            paths = list(pool.map(_guarded, artifacts))
    if not console.is_terminal:
        elapsed = time.monotonic() - began
        size = sum(path.stat().st_size for path in paths) / 1e6
        text = f"Fetched {label}: {len(paths)} jars, {size:.0f} MB, in {elapsed:.0f} s"
        console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)
    return paths


def _progress(console: Console) -> Progress:
    return Progress(
        # Markup would make an emoji of the middle of "group:a:1".
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class _Meter:
    """One bar for all files: its total grows as their sizes become known."""

    def __init__(self, progress: Progress, description: str) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=None)
        self._total = 0

    def expect(self, size: int) -> None:
        self._total += size
        self._progress.update(self._task, total=self._total)

    def advance(self, size: int) -> None:
        self._progress.advance(self._task, size)


def _artifacts(coordinates: Sequence[str], meter: _Meter) -> list[Any]:
    context = _context(meter)
    try:
        return [context.create_dependency(name).artifact for name in coordinates]
    except ValueError as error:
        raise MavenError(", ".join(coordinates), _one_line(error)) from error


def _context(meter: _Meter) -> Any:
    # Imported here: it costs half a second, which a remembered list doesn't need.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    class Resolver(PythonResolver):  # type: ignore[misc]
        def download(self, artifact: Any) -> Path:
            return _download(artifact, meter)

    settings = GlobalSettings.load()
    return MavenContext(
        resolver=Resolver(),
        repo_cache=settings.repo_cache,
        # The user's own repositories come first: they are often mirrors of the central one.
        remote_repos={**settings.repositories, "central": MAVEN_CENTRAL_URL},
        timeout=_TIMEOUT_S,
    )


def _guarded(artifact: Any) -> Path:
    try:
        return Path(artifact.resolve()).absolute()
    except MavenError:
        raise
    except Exception as error:  # jgo and requests raise many types
        raise MavenError(str(artifact), _one_line(error)) from error


def _download(artifact: Any, meter: _Meter) -> Path:
    """Fetches one file from the first repository that has it."""
    folder = artifact.component.path_prefix.as_posix()
    for base in artifact.context.remote_repos.values():
        url = f"{base.rstrip('/')}/{folder}/{artifact.filename}"
        if _retrying(str(artifact), partial(_get, url, artifact.cached_path, meter)):
            return Path(artifact.cached_path)
    repositories = ", ".join(artifact.context.remote_repos)
    raise MavenError(str(artifact), f"not found in the repositories {repositories}")


def _retrying(what: str, attempt: Callable[[], bool]) -> bool:
    """Calls ``attempt`` again, with growing pauses, while the network or the server fails."""
    for number in range(1, _TRIES + 1):
        try:
            return attempt()
        except (OSError, EOFError) as error:  # requests' errors are OSErrors
            if number == _TRIES:
                raise MavenError(what, _one_line(error)) from error
            _LOG.info("Fetching %s failed (%s); trying again", what, _one_line(error))
            time.sleep(_PAUSE_S * 2 ** (number - 1))
    raise AssertionError("unreachable")


def _get(url: str, path: Path, meter: _Meter) -> bool:
    """Fetches ``url`` to ``path``; False if the repository doesn't have it.

    Raises:
        OSError: the transfer or the server failed.
        EOFError: the bytes are not those that the repository vouches for.
    """
    import requests

    with requests.get(url, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code in (403, 404, 410):
            return False
        response.raise_for_status()
        meter.expect(int(response.headers.get("content-length", 0)))
        with replacing(path) as part:
            digest = hashlib.sha1(usedforsecurity=False)
            with part.open("wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    meter.advance(len(chunk))
            _check(url, digest.hexdigest())
    return True


def _check(url: str, digest: str) -> None:
    import requests

    response = requests.get(f"{url}.sha1", timeout=_TIMEOUT_S)
    if response.status_code == 404:  # a private repository may publish none
        return
    response.raise_for_status()
    published = (response.text.split() or [""])[0].lower()
    if published != digest:
        raise EOFError("the bytes received differ from the published checksum")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file that becomes ``path`` at once, or vanishes if the body fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
