"""Readers made from writers by what a team does to a schema over the years."""

import random
from collections.abc import Iterator
from typing import Any

_PROMOTED = {
    "int": ["long", "float", "double"],
    "long": ["float", "double"],
    "float": ["double"],
    "string": ["bytes"],
    "bytes": ["string"],
}
_ADDED = [
    ("int", 7),
    ("string", "new"),
    ("double", 0.5),
    (["null", "string"], None),
    (["string", "null"], "new"),
    ({"type": "array", "items": "int"}, []),
    ({"type": "map", "values": "string"}, {"k": "v"}),
]


def evolve(schema: Any, rng: random.Random) -> Any:
    """A reader's schema (as JSON) for a writer's record; most values fit, some don't."""
    return _settled(_Evolution(rng).record(schema), dict(_definitions(schema)), set())


def _definitions(kind: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(kind, list):
        for branch in kind:
            yield from _definitions(branch)
    elif isinstance(kind, dict):
        if "name" in kind and kind["type"] != "record":
            yield kind["name"], kind
        for part in [*kind.get("fields", []), kind.get("items"), kind.get("values")]:
            yield from _definitions(part["type"] if "default" in (part or {}) else part)
        yield from _definitions(kind["type"])


def _settled(kind: Any, known: dict[str, Any], seen: set[str]) -> Any:
    """Defines each named type at its first use, wherever fields were moved to."""
    if isinstance(kind, list):
        return [_settled(branch, known, seen) for branch in kind]
    if isinstance(kind, str):
        return _settled(known[kind], known, seen) if kind in known else kind
    kind = dict(kind)
    if "name" in kind:
        if kind["name"] in seen:
            return kind["name"]
        seen.add(kind["name"])
    for part in ("items", "values"):
        if part in kind:
            kind[part] = _settled(kind[part], known, seen)
    if "fields" in kind:
        kind["fields"] = [f | {"type": _settled(f["type"], known, seen)} for f in kind["fields"]]
    return kind


class _Evolution:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def any(self, kind: Any, in_union: bool = False) -> Any:
        if isinstance(kind, list):
            return self._union(kind)
        changed = self._one(kind)
        if in_union or kind == "null" or self._rng.random() > 0.15:
            return changed
        return ["null", changed] if self._rng.random() < 0.5 else [changed, "null"]

    def _one(self, kind: Any) -> Any:
        if isinstance(kind, str):
            promoted = _PROMOTED.get(kind, [])
            return self._rng.choice(promoted) if promoted and self._rng.random() < 0.3 else kind
        if kind["type"] == "record":
            return self.record(kind)
        if kind["type"] == "enum":
            return self._enum(kind)
        if kind["type"] == "array":
            return kind | {"items": self.any(kind["items"])}
        if kind["type"] == "map":
            return kind | {"values": self.any(kind["values"])}
        return kind

    def _union(self, branches: list[Any]) -> Any:
        changed = [self.any(b, in_union=True) for b in branches]
        kept = [b for b in changed if b != "null"]
        if len(kept) == 1 and len(changed) == 2 and self._rng.random() < 0.3:
            return kept[0]
        self._rng.shuffle(changed)
        kinds = [b if isinstance(b, str) else b.get("name", b["type"]) for b in changed]
        return changed if len(set(kinds)) == len(kinds) else branches

    def record(self, kind: Any) -> Any:
        """Changes, drops, adds and shuffles fields."""
        fields = [self._field(f) for f in kind["fields"] if self._rng.random() > 0.1]
        for i in range(self._rng.randint(0 if fields else 1, 2)):
            added, default = self._rng.choice(_ADDED)
            fields.append({"name": f"new{i}", "type": added, "default": default})
        self._rng.shuffle(fields)
        return self._renamed(kind | {"fields": fields})

    def _field(self, field: Any) -> Any:
        changed = {"name": field["name"], "type": self.any(field["type"])}
        if self._rng.random() < 0.2:
            changed |= {"name": field["name"] + "_renamed", "aliases": [field["name"]]}
        return changed

    def _enum(self, kind: Any) -> Any:
        symbols = [s for s in kind["symbols"] if self._rng.random() > 0.2] or ["OTHER"]
        symbols.insert(self._rng.randint(0, len(symbols)), "ADDED")
        changed = kind | {"symbols": symbols}
        if self._rng.random() < 0.5:
            changed["default"] = self._rng.choice(symbols)
        return self._renamed(changed)

    def _renamed(self, kind: Any) -> Any:
        if self._rng.random() > 0.2:
            return kind
        return kind | {"name": kind["name"] + "Renamed", "aliases": [kind["name"]]}
