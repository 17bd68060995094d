"""What each message must become, worked out one by one."""

import importlib.resources
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from schemas.catalog import packaged_datasets
from schemas.errors import DatumError, IncompatibleSchemaError
from schemas.model import AvroSchema
from schemas.strict import decode
from tests.oracle.messages import Message


@dataclass(frozen=True)
class Verdict:
    """A message's disposition, and the code of its reason (empty if accepted)."""

    disposition: str
    code: str = ""


ACCEPTED = Verdict("accepted")
TOMBSTONE = Verdict("filtered", "tombstone")


@dataclass
class Expected:
    """What a topic's messages must become.

    Attributes:
        topic: The topic.
        rows: One row per accepted message by (partition, offset): lineage, then the fields of the
            reader schema.
        verdicts: The verdict on every message by (partition, offset).
    """

    topic: str
    rows: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    verdicts: dict[tuple[int, int], Verdict] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Messages by disposition."""
        counts: dict[str, int] = {}
        for verdict in self.verdicts.values():
            counts[verdict.disposition] = counts.get(verdict.disposition, 0) + 1
        return counts

    def dispositions(self, partition: int) -> dict[int, Verdict]:
        """The verdicts on one partition's messages, by offset."""
        return {o: verdict for (p, o), verdict in self.verdicts.items() if p == partition}


@cache
def packaged_writers() -> dict[int, AvroSchema]:
    """The schemas of the packaged registry by id, read from its files."""
    folder = importlib.resources.files("schemas") / "avsc"
    entries = json.loads((folder / "registry.json").read_text("utf-8"))["schemas"]
    return {
        int(entry["id"]): AvroSchema.parse((folder / entry["file"]).read_text("utf-8"))
        for entry in entries
    }


def expected_of(
    topic: str,
    messages: Iterable[Message],
    *,
    carries: str | None = None,
    writers: Mapping[int, AvroSchema] | None = None,
) -> Expected:
    """Works out what the messages of a topic must become.

    Args:
        topic: The topic.
        messages: Its messages, in any order.
        carries: Topic whose dataset this one carries, if it isn't a packaged topic itself.
        writers: Writer schemas by Confluent id; those of the packaged registry by default.

    Returns:
        Rows and verdicts. Rows hold what Python holds: `datetime`, `date`, `Decimal`, text.
    """
    topics = {dataset.topic: dataset for dataset in packaged_datasets()}
    reader = topics[carries or topic].reader
    known = packaged_writers() if writers is None else writers
    expected = Expected(topic)
    for message in messages:
        place = message.partition, message.offset
        assert place not in expected.verdicts, f"{topic}: {place} was read twice"
        verdict, schema_id, row = _judged(message.value, known, reader)
        expected.verdicts[place] = verdict
        if row is not None:
            expected.rows[place] = _lineage(message, schema_id) | _masked(row)
    return expected


def _judged(
    value: bytes | None, writers: Mapping[int, AvroSchema], reader: AvroSchema
) -> tuple[Verdict, int, dict[str, Any] | None]:
    if value is None:
        return TOMBSTONE, -1, None
    code = _header_fault(value)
    if code:
        return Verdict("dead_letter", code), -1, None
    schema_id = int.from_bytes(value[1:5], "big")
    if schema_id not in writers:
        return Verdict("dead_letter", "unknown_schema_id"), schema_id, None
    try:
        return ACCEPTED, schema_id, decode(writers[schema_id], reader, value[5:])
    except DatumError as error:
        return Verdict("dead_letter", error.code), schema_id, None
    except IncompatibleSchemaError:
        return Verdict("dead_letter", "incompatible_schema"), schema_id, None


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    """The masks of the policy `ops`."""
    kept = {name: v for name, v in row.items() if name not in ("ssn", "driver_license")}
    for name in ("prescriber_dea", "dea_number"):
        if kept.get(name) is not None:
            kept[name] = "[redacted]"
    return kept


def _header_fault(value: bytes) -> str:
    if not value:
        return "empty_value"
    if len(value) < 5:
        return "short_header"
    return "" if value[0] == 0 else "bad_magic"


def _lineage(message: Message, schema_id: int) -> dict[str, Any]:
    return {
        "_topic": message.topic,
        "_partition": message.partition,
        "_offset": message.offset,
        "_row": 0,
        "_timestamp": message.timestamp_ms,
        "_schema_id": str(schema_id),
    }
