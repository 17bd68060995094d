"""Files and folders as searchable buffers, packed ones unpacked."""

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.canary.lake_buffers import table_buffers
from beam_pipelines.canary.places import Buffer, Buffers, Place
from transforms.errors import ConfigurationError

FILE: Final = "file"
NAMES: Final = "file name"
# A file is read in windows: each begins with the end of the one before, so that nothing is cut.
_WINDOW: Final = 1 << 26
_OVERLAP: Final = 1 << 12
_PARQUET: Final = b"PAR1"


def file_buffers(paths: Collection[Path], besides: Path) -> Buffers:
    """Yields the content of files, and of all regular files below folders.

    Args:
        paths: Files and folders; links to folders are not followed.
        besides: A file that is left out: the manifest itself.

    Raises:
        ConfigurationError: A path isn't there, or a file can't be read: what isn't searched must
            not look clean.
    """
    left_out = besides.resolve()
    for root in paths:
        for path in _files(root):
            if path.resolve() != left_out:
                yield from _file(path)


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise ConfigurationError(f"{root} is no file and no folder", "Check --paths")
    for folder, _, names in os.walk(root, onerror=_unreadable):
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())


def _unreadable(error: OSError) -> None:
    raise _refused(Path(str(error.filename)), error)


def _refused(path: Path, error: Exception) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    return ConfigurationError(
        f"{path} can't be read ({reason}), so it can't be searched", "Mend or leave it out"
    )


def _file(path: Path) -> Buffers:
    place = Place(FILE, str(path))
    yield Buffer(Place(NAMES, str(path)), str(path).encode())
    try:
        with path.open("rb") as stream:
            yield from _stream(place, stream)
    except FileNotFoundError:
        return  # a temporary file that is gone by now
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise _refused(path, error) from None


def _stream(place: Place, stream: BinaryIO) -> Buffers:
    """The bytes as they are, and what is packed in them."""
    for window in _windows(stream):
        yield Buffer(place, window)
    stream.seek(0)
    magic = stream.read(4)
    stream.seek(0)
    if magic[:2] == b"\x1f\x8b":
        with gzip.open(stream) as unpacked:
            inner = Place(place.kind, place.name, f"{place.part}(gzip)")
            yield from (Buffer(inner, window) for window in _windows(unpacked))
    elif magic == b"PK\x03\x04":
        with zipfile.ZipFile(stream) as archive:
            yield from _members(place, archive)
    elif magic == _PARQUET:
        yield from table_buffers(place, pq.read_table(pa.PythonFile(stream)), f"{place.part}:")


def _members(place: Place, archive: zipfile.ZipFile) -> Buffers:
    for member in archive.infolist():
        inner = Place(place.kind, place.name, f"{place.part}{member.filename}")
        yield Buffer(inner, member.filename.encode())
        yield from _stream(inner, io.BytesIO(archive.read(member)))


def _windows(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    kept = b""
    while window := stream.read(_WINDOW):
        yield kept + window
        kept = window[-_OVERLAP:]
