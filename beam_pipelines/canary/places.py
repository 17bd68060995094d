"""Where a scan looks, and where it found something."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where a buffer comes from.

    Attributes:
        kind: What it is a part of, such as ``data file``; the scan counts by it.
        name: The object's key or the file's path.
        part: The column, archive member or table within it; empty for its bytes as they are.
        dataset: The dataset of a data file, else empty.
    """

    kind: str
    name: str
    part: str = ""
    dataset: str = ""


@dataclass(frozen=True)
class Buffer:
    """Bytes to be searched, and where they come from."""

    place: Place
    data: bytes

    def __repr__(self) -> str:
        return f"Buffer({self.place}, {len(self.data)} bytes)"


Buffers = Iterator[Buffer]
