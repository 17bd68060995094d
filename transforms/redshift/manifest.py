"""COPY manifests: the exact files of one load, under ``_manifests/`` in the lake.

    _manifests/<warehouse id>/loads/<loader>/<load>-<number>.json
    _manifests/<warehouse id>/loads/<loader>/<name>.parquet   rows that the lake has no file of
    _manifests/<warehouse id>/tries/<loader>/...              what is tried to find a fault

Each loader has folders of its own: one that lost the lock while it was frozen must not write over
what the next one is about to COPY.

A COPY of a prefix would load orphans too, files that no commit names. Source of the format: Amazon
Redshift, "Using a manifest to specify data files"; for Parquet each entry needs ``content_length``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from transforms.lake import DataFile, ObjectStore

MANIFESTS: Final = "_manifests/"
#: No search for a fault takes so long: older tries are of loaders that were killed.
_TRIES_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True)
class Source:
    """One object that COPY reads.

    Attributes:
        key: Its key in the lake.
        bytes: Its size: COPY refuses another.
    """

    key: str
    bytes: int


def source_of(file: DataFile) -> Source:
    """Returns a data file as COPY reads it."""
    return Source(file.key, file.bytes)


class Manifests:
    """The manifests of one loader of one warehouse; two warehouses may load one lake.

    Args:
        store: The lake's objects.
        warehouse_id: From the row of the lock.
        loader: The loader's own part of the names.
    """

    def __init__(self, store: ObjectStore, warehouse_id: str, loader: str) -> None:
        self._store = store
        self._all = f"{MANIFESTS}{warehouse_id}/"
        self._loads = f"{self._all}loads/{loader}/"
        self._tries = f"{self._all}tries/{loader}/"
        self._written: list[str] = []

    def write(self, name: str, sources: Iterable[Source]) -> str:
        """Stores the manifest of a load; returns its ``s3://`` address."""
        self._written.append(f"{self._loads}{name}.json")
        return self._put(self._written[-1], sources)

    def put_rows(self, name: str, body: bytes) -> Source:
        """Stores rows of a load that the lake has no file of."""
        self._written.append(f"{self._loads}{name}.parquet")
        self._store.put(self._written[-1], body)
        return Source(self._written[-1], len(body))

    def write_try(self, sources: Iterable[Source]) -> str:
        """Stores a manifest to try; returns its ``s3://`` address."""
        return self._put(f"{self._tries}try.json", sources)

    def put_copy(self, name: str, body: bytes) -> Source:
        """Stores some rows of a data file as a file of their own."""
        key = f"{self._tries}{name}.parquet"
        self._store.put(key, body)
        return Source(key, len(body))

    def sweep(self) -> None:
        """Deletes what loads that ended early have left; for the holder of the lock only."""
        old = datetime.now(UTC) - _TRIES_KEPT
        tries = f"{self._all}tries/"
        listed = list(self._store.stored(self._all))
        self._delete([key for key, at in listed if not key.startswith(tries) or at < old])

    def sweep_own(self) -> None:
        """Deletes one's own, when they have been loaded; the lock may be another's by now."""
        tried = [item.key for item in self._store.walk(self._tries)]
        self._delete([*self._written, *tried])
        self._written = []

    def _put(self, key: str, sources: Iterable[Source]) -> str:
        self._store.put(key, document(self._store.root, sources))
        return f"{self._store.root}/{key}"

    def _delete(self, keys: list[str]) -> None:
        if keys:
            self._store.delete(keys)


def document(root: str, sources: Iterable[Source]) -> bytes:
    """Returns the bytes of a manifest.

    Args:
        root: The lake's ``s3://`` address.
        sources: What it lists.
    """
    entries = [
        {
            "url": f"{root}/{source.key}",
            "mandatory": True,
            "meta": {"content_length": source.bytes},
        }
        for source in sources
    ]
    return orjson.dumps({"entries": entries})
