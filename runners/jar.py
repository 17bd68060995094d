"""Write a jar of one entry, whole or not at all."""

import zipfile
from pathlib import Path

from runners.maven import replacing

__all__ = ["write_jar"]


def write_jar(path: Path, name: str, content: bytes) -> None:
    """Writes a jar; another process may be writing the same one.

    Args:
        path: of the jar.
        name: of its only entry.
        content: of that entry.

    Guarantees:
        The same entry makes the same bytes.
    """
    with replacing(path) as part, zipfile.ZipFile(part, "w") as jar:
        jar.writestr(zipfile.ZipInfo(name), content)
