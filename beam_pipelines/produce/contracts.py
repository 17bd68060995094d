"""The packaged writer schemas that the stream is written with, by dataset and version."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One registered schema version.

    Attributes:
        dataset: Name of the dataset, e.g. `dispense_event`.
        version: 1 is the oldest.
        schema_id: Id in the packaged registry; part of every message's wire header.
        schema: The Avro schema as JSON.
    """

    dataset: str
    version: int
    schema_id: int
    schema: dict[str, Any]

    @property
    def wire_header(self) -> bytes:
        """Confluent's framing: a zero byte, then the schema id in four big-endian bytes."""
        return b"\x00" + self.schema_id.to_bytes(4, "big")


@cache
def contracts(dataset: str) -> dict[int, Contract]:
    """All registered versions of `dataset`, by version.

    Raises:
        KeyError: The packaged registry has no such dataset.
    """
    found = {c.version: c for c in _packaged() if c.dataset == dataset}
    if not found:
        raise KeyError(dataset)
    return found


def contract_of(value: bytes) -> Contract:
    """The contract that a message value in Confluent's wire format was written with."""
    return _by_id()[int.from_bytes(value[1:5], "big")]


@cache
def _by_id() -> dict[int, Contract]:
    return {contract.schema_id: contract for contract in _packaged()}


@cache
def _packaged() -> tuple[Contract, ...]:
    folder = resources.files("schemas") / "avsc"
    registry = json.loads((folder / "registry.json").read_text("utf-8"))
    return tuple(
        Contract(
            dataset=entry["file"].partition("/")[0],
            version=int(entry["version"]),
            schema_id=int(entry["id"]),
            schema=json.loads((folder / entry["file"]).read_text("utf-8")),
        )
        for entry in registry["schemas"]
    )
