"""Mends a leak in Beam 2.70's Flink runner: the state of a stream grows with each pause of a read.

A splittable DoFn that pauses (``defer_remainder``) leaves a residual, which the runner keeps in a
state of a *new* name each time. Flink never forgets a name: 1.8 KB a pause stay, on the heap and in
each checkpoint, 150 MB a day for a partition that is read every second (apache/beam issue 27648).
Beam mended it in 2.76 (pull request 39191), which Maven mirrors may not have.

Here one name serves all pauses: the number that tells them apart becomes a constant. The name is
looked up by element, and an element has one restriction, so one residual at most: true of every
DoFn here, since none splits its restrictions.
"""

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runners.errors import MavenError
from runners.jar import write_jar

__all__ = ["mended"]

_JAR: Final = "beam-runners-java-fn-execution-2.70.0.jar"

_CLASS: Final = (
    "org/apache/beam/runners/fnexecution/control/"
    "BundleCheckpointHandlers$StateAndTimerBundleCheckpointHandler.class"
)

# The class of that version and no other: the bytes below refer to its constants.
_SHA256: Final = "99527b20aab9dc07e22ac25b79eb44cb4f1c4e19ef29e657bd49aeeb6d883e45"

# idGenerator.getId(): aload_0; getfield #3; invokeinterface #18, 1. It is there once, at the
# beginning of onCheckpoint.
_NUMBERED: Final = bytes.fromhex("2ab40003b900120100")

# The string "sdf_checkpoint" instead: ldc #9, and nothing for as many bytes as are left.
_CONSTANT: Final = bytes.fromhex("1209") + bytes(7)


def mended(jars: Sequence[Path], folder: Path) -> list[Path]:
    """Returns a class path on which the leak is mended: the mended class comes first.

    Args:
        jars: the class path of Beam's Flink runner, whole and fetched.
        folder: where the jar of the one class is written.

    Raises:
        MavenError: the class isn't the one that was looked at.
    """
    [original] = [jar for jar in jars if jar.name == _JAR]
    path = folder / f"residuals-{_SHA256[:16]}.jar"
    if not path.exists():
        with zipfile.ZipFile(original) as jar:
            write_jar(path, _CLASS, _mend(jar.read(_CLASS)))
    return [path, *jars]


def _mend(code: bytes) -> bytes:
    if hashlib.sha256(code).hexdigest() != _SHA256 or code.count(_NUMBERED) != 1:
        raise MavenError(_JAR, "its class that keeps residuals is not the published one")
    return code.replace(_NUMBERED, _CONSTANT)
