"""Schemas by hypothesis, so that they shrink; values from seeds, so that they are many."""

import random
import struct
from typing import Any

from hypothesis import strategies as st

from schemas.model import AvroSchema
from schemas.nodes import Array, Enum, Fixed, Map, Node, Record, Union

_PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
_LOGICAL = [
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 4},
    {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 10},
]
_DAYS = {"time-millis": 86_400_000, "time-micros": 86_400_000_000}
_TEXTS = ["", "a", "ÄÖÜ", "薬局", "💊", "rx-0012345", "x" * 70, "é" * 130]


@st.composite
def schemas(draw: st.DrawFn, unions: bool = True, reuse: bool = True) -> AvroSchema:
    """A record schema of any shape that a table can hold.

    Args:
        draw: Hypothesis's own.
        unions: Whether unions may be more than optional types.
        reuse: Whether a named type may be used again by its name.
    """
    maker = _Maker(draw, unions, reuse)
    return AvroSchema.parse(maker.record(0))


class _Maker:
    def __init__(self, draw: st.DrawFn, unions: bool, reuse: bool) -> None:
        self._reuses = reuse
        self._draw = draw
        self._unions = unions
        self._names = 0
        self._reusable: list[str] = []

    def record(self, depth: int) -> dict[str, Any]:
        name = self._name("R")
        count = self._draw(st.integers(1, 5 if depth else 8))
        fields = [{"name": f"f{i}", "type": self.any(depth)} for i in range(count)]
        return {"type": "record", "name": name, "fields": fields}

    def any(self, depth: int, in_union: bool = False) -> Any:
        kinds = ["primitive", "primitive", "logical", "enum", "fixed", "reuse"]
        if depth < 2:
            kinds += ["record", "array", "map"]
        if not in_union:
            kinds += ["optional", "optional"] + ["union"] * (self._unions and depth < 2)
        kind = self._draw(st.sampled_from(kinds))
        return getattr(self, f"_{kind}")(depth) if kind != "record" else self.record(depth + 1)

    def _name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    def _primitive(self, depth: int) -> Any:
        return self._draw(st.sampled_from(_PRIMITIVES))

    def _logical(self, depth: int) -> Any:
        return self._draw(st.sampled_from(_LOGICAL))

    def _enum(self, depth: int) -> Any:
        symbols = [f"S{i}" for i in range(self._draw(st.sampled_from([1, 2, 5, 70])))]
        name = self._name("E")
        self._reusable.append(name)
        return {"type": "enum", "name": name, "symbols": symbols}

    def _fixed(self, depth: int) -> Any:
        size = self._draw(st.sampled_from([1, 5, 16, 20]))
        made: dict[str, Any] = {"type": "fixed", "name": self._name("F"), "size": size}
        self._reusable.append(made["name"])
        if self._draw(st.booleans()):
            made |= {"logicalType": "decimal", "precision": 2 * size, "scale": 1}
        return made

    def _reuse(self, depth: int) -> Any:
        names = self._reusable if self._reuses else []
        return self._draw(st.sampled_from(names)) if names else "int"

    def _array(self, depth: int) -> Any:
        return {"type": "array", "items": self.any(depth + 1)}

    def _map(self, depth: int) -> Any:
        return {"type": "map", "values": self.any(depth + 1)}

    def _optional(self, depth: int) -> Any:
        inner = self.any(depth + 1, in_union=True)
        if inner == "null":
            inner = "string"
        return ["null", inner] if self._draw(st.booleans()) else [inner, "null"]

    def _union(self, depth: int) -> Any:
        options = ["null", "int", "string", "double", "boolean"]
        plain = self._draw(st.lists(st.sampled_from(options), min_size=1, max_size=3, unique=True))
        return [*plain, self.record(depth + 1)]


def random_value(node: Node, rng: random.Random) -> Any:
    """A raw value of a type, extremes included."""
    if isinstance(node, Record):
        return tuple(random_value(f.node, rng) for f in node.fields)
    if isinstance(node, Array):
        return [random_value(node.items, rng) for _ in range(_size(rng))]
    if isinstance(node, Map):
        return [(f"k{i}", random_value(node.values, rng)) for i in range(_size(rng))]
    if isinstance(node, Enum):
        return rng.randrange(len(node.symbols))
    if isinstance(node, Union):
        if node.optional is not None:
            return None if rng.random() < 0.4 else random_value(node.optional, rng)
        index = rng.randrange(len(node.branches))
        return index, random_value(node.branches[index], rng)
    return _scalar(node, rng)


def _size(rng: random.Random) -> int:
    return rng.choice([0, 0, 0, 1, 1, 2, 5])


def _scalar(node: Node, rng: random.Random) -> Any:
    name = node.logical.name if node.logical else ""
    if node.logical and name == "decimal":
        return _decimal(node, 10**node.logical.precision - 1, rng)
    if name in _DAYS:
        return rng.choice([0, _DAYS[name] - 1, rng.randrange(_DAYS[name])])
    if name == "date":
        return rng.choice([0, -719_162, 2_932_896, rng.randint(-90_000, 90_000)])
    if "timestamp" in name:
        year = 31_536_000_000 if name.endswith("millis") else 31_536_000_000_000
        return rng.choice([0, -1, rng.randint(-100 * year, 200 * year)])
    if isinstance(node, Fixed):
        return rng.randbytes(node.size)
    return {
        "null": lambda: None,
        "boolean": lambda: rng.random() < 0.5,
        "int": lambda: _integer(31, rng),
        "long": lambda: _integer(63, rng),
        "float": lambda: struct.unpack("<f", struct.pack("<f", rng.gauss(0, 1e6)))[0],
        "double": lambda: rng.choice([0.0, -0.0, float("inf"), rng.gauss(0, 1e300)]),
        "bytes": lambda: rng.randbytes(rng.choice([0, 1, 8, 200])),
        "string": lambda: rng.choice(_TEXTS),
    }[node.kind]()


def _integer(bits: int, rng: random.Random) -> int:
    return rng.choice([0, (1 << bits) - 1, -(1 << bits), rng.getrandbits(rng.randint(1, bits))])


def _decimal(node: Node, limit: int, rng: random.Random) -> int:
    if isinstance(node, Fixed):
        limit = min(limit, (1 << 8 * node.size - 1) - 1)
    return rng.choice([0, limit, -limit, rng.randint(-limit, limit)])
