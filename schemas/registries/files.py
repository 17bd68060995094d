"""The file registry: a folder with ``registry.json`` and the schemas it names.

::

    {"schemas": [{"id": "1", "subject": "orders-value", "version": 1, "file": "orders/v1.avsc"}]}
"""

import json
import os
import tempfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.errors import UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.protocol import RegisteredSchema

__all__ = ["FileRegistry", "PackagedRegistry"]

_KEYS = {"id": str, "subject": str, "version": int, "file": str}


class FileRegistry:
    """A registry in a folder; read at each call, so that new entries are seen.

    Args:
        folder: Holds ``registry.json``; may be empty, or missing, until something is registered.

    Guarantees:
        ``register`` replaces ``registry.json`` in one step: readers see the old or the new list.
        One writer at a time.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def schema_by_id(self, schema_id: str) -> AvroSchema:
        """See `SchemaRegistry`."""
        for entry in self._entries():
            if entry["id"] == schema_id:
                return self._schema(entry)
        raise UnknownSchemaError(schema_id)

    def subjects(self) -> list[str]:
        """See `SchemaRegistry`."""
        return sorted({entry["subject"] for entry in self._entries()})

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """See `SchemaRegistry`."""
        entries = [entry for entry in self._entries() if entry["subject"] == subject]
        return [
            RegisteredSchema(entry["id"], subject, entry["version"], self._schema(entry))
            for entry in sorted(entries, key=lambda entry: entry["version"])
        ]

    def register(self, subject: str, schema: AvroSchema) -> str:
        """See `SchemaRegistry`. A schema known under another subject keeps its id."""
        if not subject or "/" in subject or subject.startswith("."):
            raise self._refused("a subject must be a file name", "rename the subject")
        entries = self._entries() if (self._root() / "registry.json").is_file() else []
        same = [entry for entry in entries if self._schema(entry) == schema]
        for entry in same:
            if entry["subject"] == subject:
                return str(entry["id"])
        numbers = [int(entry["id"]) for entry in entries if entry["id"].isdecimal()]
        schema_id = same[0]["id"] if same else str(max(numbers, default=0) + 1)
        taken = [entry["version"] for entry in entries if entry["subject"] == subject]
        version = max(taken, default=0) + 1
        file = f"{subject}/v{version}.avsc"
        entry = {"id": schema_id, "subject": subject, "version": version, "file": file}
        try:
            _write(Path(self._folder, file), json.dumps(schema.json, indent=1))
            _write(Path(self._folder, "registry.json"), _listing([*entries, entry]))
        except OSError as error:
            raise self._refused(
                f"{file} can't be written ({type(error).__name__})", "check the folder's rights"
            ) from None
        return str(schema_id)

    def __repr__(self) -> str:
        return f"file:{self._folder}"

    def _root(self) -> Traversable:
        return Path(self._folder)

    def _entries(self) -> list[dict[str, Any]]:
        entries = _json_list(self._read("registry.json"))
        if entries is None:
            raise self._refused(
                'registry.json must be {"schemas": [...]}', "mend it, or register the schemas anew"
            )
        for place, entry in enumerate(entries):
            self._check(place, entry)
        if len({(e["subject"], e["version"]) for e in entries}) < len(entries):
            raise self._refused("registry.json names a version twice", "remove one of the two")
        return entries

    def _check(self, place: int, entry: Any) -> None:
        sound = isinstance(entry, dict) and entry.keys() == _KEYS.keys()
        if not sound or any(type(entry[key]) is not kind for key, kind in _KEYS.items()):
            raise self._refused(
                f"entry {place} of registry.json must hold id, subject, version and file",
                "id, subject and file are strings, version is a number",
            )
        path = PurePosixPath(entry["file"])
        if path.is_absolute() or ".." in path.parts:
            raise self._refused(f"entry {place} of registry.json leaves the folder", "move it in")

    def _schema(self, entry: dict[str, Any]) -> AvroSchema:
        return AvroSchema.parse(self._read(entry["file"]))

    def _read(self, file: str) -> str:
        try:
            return self._root().joinpath(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._refused(
                f"{file} can't be read ({type(error).__name__})",
                "check the folder, or fill it with `python -m beam_pipelines.contracts register`",
            ) from None

    def _refused(self, reason: str, remedy: str) -> RegistryRefusedError:
        return RegistryRefusedError(repr(self), reason, remedy)


class PackagedRegistry(FileRegistry):
    """The schemas of this package under the ids that the demo's messages carry. Read-only."""

    def __init__(self) -> None:
        super().__init__("")

    def register(self, subject: str, schema: AvroSchema) -> str:
        """Refuses: packaged ids never change.

        Raises:
            RegistryRefusedError: Always.
        """
        del subject, schema
        raise self._refused("it is read-only", "register with file:DIR, http(s):// or glue:NAME")

    def __repr__(self) -> str:
        return "package:"

    def __reduce__(self) -> tuple[Any, ...]:
        return PackagedRegistry, ()

    def _root(self) -> Traversable:
        return files("schemas") / "avsc"


def _json_list(text: str) -> list[Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    entries = document.get("schemas") if isinstance(document, dict) else None
    return entries if isinstance(entries, list) else None


def _listing(entries: list[dict[str, Any]]) -> str:
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
    return f'{{\n  "schemas": [\n{lines}\n  ]\n}}\n'


def _write(path: Path, text: str) -> None:
    """Replaces a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)  # a temporary file is its owner's alone
    os.replace(file.name, path)
