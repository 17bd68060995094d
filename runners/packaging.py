"""What workers on other machines install, and the guard of our generic package names."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from runners.errors import PackagingError

__all__ = ["absolute_setup_file", "build_wheel", "check_owners"]

_OURS = ("beam_pipelines", "runners", "schemas", "transforms")
_DISTRIBUTION = "pharmabeam"

# A wheel of four pure Python packages takes seconds; a build that asks for something must not hang.
_BUILD_TIMEOUT_S = 300

# A message stays one line that can be read.
_REASON_LENGTH = 300


def absolute_setup_file(given: str) -> Path:
    """Returns the absolute path of ``--setup_file``.

    Beam's stager changes into the file's folder, and fails on a bare ``setup.py``
    (apache_beam 2.77, runners/portability/stager.py, ``_build_setup_package``).

    Raises:
        PackagingError: there is no such file.
    """
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise PackagingError("--setup_file", "there is no such file", "give the path of setup.py")
    return path


def build_wheel(project: Path, into: Path) -> Path:
    """Builds the project's wheel, for ``--extra_package`` on workers without an index.

    Args:
        project: folder of setup.py.
        into: folder for the wheel, made if it isn't there; must not hold another wheel of ours.

    The build is not isolated, as Beam's stager does it: it needs no index, but a setuptools here.

    Returns:
        The wheel: workers install it with ``--no-deps``, and nothing is built there.

    Raises:
        PackagingError: the build failed; the message says what it said.
    """
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    command += ["--outdir", str(into), str(project)]
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        remedy = "install the packages build and setuptools (70.1 or newer), then try again"
        raise PackagingError("the workers' wheel", _why(error), remedy) from error
    wheels = list(into.glob(f"{_DISTRIBUTION}-*.whl"))
    if len(wheels) != 1:
        raise PackagingError(
            "the workers' wheel", f"{len(wheels)} of them are in the folder", "empty it first"
        )
    return wheels[0].absolute()


def check_owners(owners: dict[str, list[str]] | None = None) -> None:
    """Refuses to launch where another distribution installs into a package of ours.

    Our package names are generic: a distribution of the same name silently overwrites our files,
    and removes them when it is uninstalled.

    Args:
        owners: distributions by top-level package; those of this environment by default.

    Raises:
        PackagingError: names the package and the other distribution.
    """
    found = importlib.metadata.packages_distributions() if owners is None else owners
    for package in _OURS:
        for other in sorted(set(found.get(package, ())) - {_DISTRIBUTION}):
            raise PackagingError(
                f"package {package}",
                f"the distribution {other} installs into it too",
                f"uninstall {other}, then install {_DISTRIBUTION} again",
            )


def _why(error: Exception) -> str:
    """Returns what the build says from its error on, on one line; else what became of it."""
    output = str(getattr(error, "stderr", None) or getattr(error, "stdout", None) or error)
    _, mark, reason = output.rpartition("ERROR ")
    words = (reason if mark else output).split()
    return " ".join(words)[-_REASON_LENGTH:] or type(error).__name__
