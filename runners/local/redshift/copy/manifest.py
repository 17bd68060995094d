"""The files of a COPY: a manifest's entries.

Source: Amazon Redshift, "Using a manifest to specify data files"; for Parquet an entry needs
``meta.content_length``.
"""

import json
from dataclasses import dataclass
from typing import Any

from runners.local.redshift.copy.client import Store
from runners.local.redshift.errors import SqlError

__all__ = ["SourceFile", "files", "parse"]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to load.

    Attributes:
        url: its address.
        size: the bytes it must have.
        mandatory: COPY fails if it isn't there.
    """

    url: str
    size: int
    mandatory: bool = True


def files(store: Store, manifest: str) -> list[SourceFile]:
    """Returns the files that are there, and are as the manifest says.

    Raises:
        SqlError: no such manifest, a mandatory file is missing, or a size differs.
    """
    try:
        entries = parse(store.read(manifest))
    except FileNotFoundError:
        text = f"Problem reading manifest file - The specified key does not exist: {manifest}"
        raise SqlError("XX000", text) from None
    return [entry for entry in entries if _is_there(store, entry)]


def parse(document: bytes) -> list[SourceFile]:
    """Reads a manifest.

    Raises:
        SqlError: it isn't one, or not one for Parquet.
    """
    try:
        return [_entry(entry) for entry in json.loads(document)["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SqlError("XX000", "Problem reading manifest file - invalid JSON or entry") from None


def _entry(entry: dict[str, Any]) -> SourceFile:
    length = (entry.get("meta") or {}).get("content_length")
    if not isinstance(length, int):
        text = f"File size is missing in manifest: meta.content_length of {entry['url']}"
        raise SqlError("XX000", text)
    mandatory = entry.get("mandatory", False) is True
    return SourceFile(url=str(entry["url"]), size=length, mandatory=mandatory)


def _is_there(store: Store, entry: SourceFile) -> bool:
    size = store.size(entry.url)
    if size is None:
        if entry.mandatory:
            raise SqlError("XX000", "Mandatory url is not present in manifest file.", entry.url)
        return False
    if size != entry.size:
        detail = f"File: {entry.url}, content_length: {entry.size}, size: {size}"
        raise SqlError("XX000", "File size in manifest does not match the file.", detail)
    return True
