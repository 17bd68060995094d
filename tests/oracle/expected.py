"""What each message must become, worked out one by one."""

import importlib.resources
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from schemas.catalog import Dataset, packaged_datasets
from schemas.errors import DatumError, IncompatibleSchemaError
from schemas.model import AvroSchema
from schemas.strict import decode
from tests.oracle.derived import FAILED, DerivedColumnError, derived
from tests.oracle.limits import misfits, packaged_lengths
from tests.oracle.masks import Ops, Pseudonymised
from tests.oracle.messages import Message
from tests.oracle.moments import plain
from tests.oracle.references import References
from tests.oracle.rules import RULES, Finding, judged


@dataclass(frozen=True)
class Verdict:
    """A message's disposition, and the code of its reason (empty if accepted)."""

    disposition: str
    code: str = ""


ACCEPTED = Verdict("accepted")
TOMBSTONE = Verdict("filtered", "tombstone")


@dataclass(frozen=True)
class Chain:
    """What the packaged configuration does between decoding and the lake.

    Attributes:
        masks: The masking policy.
        references: What rules and derived columns look up.
        source_systems: The values of ``source_system`` that findings may name.
    """

    masks: Pseudonymised
    references: References = field(default_factory=References)
    source_systems: frozenset[str] = frozenset({"rxhub"})


@dataclass
class Expected:
    """What a topic's messages must become.

    Attributes:
        topic: The topic.
        rows: One row per accepted message by (partition, offset): lineage, then the columns.
        verdicts: The verdict on every message by (partition, offset).
        fields: The field at fault of every dead letter by (partition, offset); may be empty text.
        findings: The rules that messages trip, by (partition, offset), whatever becomes of them.
    """

    topic: str
    rows: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    verdicts: dict[tuple[int, int], Verdict] = field(default_factory=dict)
    fields: dict[tuple[int, int], str] = field(default_factory=dict)
    findings: dict[tuple[int, int], tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Messages by disposition."""
        counts: dict[str, int] = {}
        for verdict in self.verdicts.values():
            counts[verdict.disposition] = counts.get(verdict.disposition, 0) + 1
        return counts

    @property
    def counted_findings(self) -> Counter[tuple[str, str]]:
        """Messages by rule that they trip and source system, as commits count them."""
        return Counter(
            (found.rule, found.source_system)
            for listed in self.findings.values()
            for found in listed
        )

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
    chain: Chain | None = None,
) -> Expected:
    """Works out what the messages of a topic must become.

    Args:
        topic: The topic.
        messages: Its messages, in any order.
        carries: Topic whose dataset this one carries, if it isn't a packaged topic itself.
        writers: Writer schemas by Confluent id; those of the packaged registry by default.
        chain: Rules, derived columns, masks and lengths of the packaged configuration; by default
            there are no rules, the policy is ``ops``, and texts have 1,024 bytes.

    Returns:
        Rows and verdicts. Rows hold what Python holds: `datetime`, `date`, `Decimal`, text; with a
        chain, days and microseconds instead of dates and times.
    """
    dataset = {each.topic: each for each in packaged_datasets()}[carries or topic]
    known = packaged_writers() if writers is None else writers
    expected = Expected(topic)
    for message in messages:
        place = message.partition, message.offset
        assert place not in expected.verdicts, f"{topic}: {place} was read twice"
        outcome = _decoded(message.value, known, dataset.reader)
        if outcome.row is not None:
            outcome = _chained(message, dataset, outcome, chain)
        if outcome.row is not None:
            outcome = _measured(message, dataset, outcome, chain)
        expected.verdicts[place] = outcome.verdict
        if outcome.verdict.disposition == "dead_letter":
            expected.fields[place] = outcome.field
        if outcome.findings:
            expected.findings[place] = outcome.findings
        if outcome.row is not None:
            expected.rows[place] = _lineage(message, outcome.schema_id) | outcome.row
    return expected


@dataclass(frozen=True)
class _Outcome:
    """What becomes of a message; a row if it is accepted."""

    verdict: Verdict
    schema_id: int = -1
    row: dict[str, Any] | None = None
    field: str = ""
    findings: tuple[Finding, ...] = ()


def _dead(code: str, schema_id: int = -1, at: str = "") -> _Outcome:
    return _Outcome(Verdict("dead_letter", code), schema_id, field=at)


def _decoded(
    value: bytes | None, writers: Mapping[int, AvroSchema], reader: AvroSchema
) -> _Outcome:
    if value is None:
        return _Outcome(TOMBSTONE)
    code = _header_fault(value)
    if code:
        return _dead(code)
    schema_id = int.from_bytes(value[1:5], "big")
    if schema_id not in writers:
        return _dead("unknown_schema_id", schema_id)
    try:
        row = decode(writers[schema_id], reader, value[5:])
    except DatumError as error:
        return _dead(error.code, schema_id, error.field)
    except IncompatibleSchemaError:
        return _dead("incompatible_schema", schema_id)
    return _Outcome(ACCEPTED, schema_id, row)


def _chained(
    message: Message, dataset: Dataset, outcome: _Outcome, chain: Chain | None
) -> _Outcome:
    """What rules, derived columns and masks make of a decoded row."""
    assert outcome.row is not None
    if chain is None:
        return replace(outcome, row=Ops().masked(dataset.name, dataset.reader, outcome.row))
    row = {name: plain(value) for name, value in outcome.row.items()}
    if dataset.name not in RULES:
        return replace(outcome, row=chain.masks.masked(dataset.name, dataset.reader, row))
    seen = chain.references.seen(dataset.name, row, message.timestamp_ms)
    judgment = judged(dataset.name, seen, chain.source_systems)
    done = replace(outcome, row=None, findings=judgment.findings)
    if judgment.reason:
        return replace(done, verdict=_dead_letter(judgment.reason), field=judgment.field)
    try:
        added = derived(dataset.name, seen)
    except DerivedColumnError as error:
        return replace(done, verdict=_dead_letter(FAILED), field=error.column)
    masked = chain.masks.masked(dataset.name, dataset.reader, row | added)
    return replace(done, row={"_warnings": ",".join(judgment.warnings) or None} | masked)


def _measured(
    message: Message, dataset: Dataset, outcome: _Outcome, chain: Chain | None
) -> _Outcome:
    """What the limits of the warehouse's columns make of a masked row."""
    assert outcome.row is not None
    lengths = packaged_lengths().get(dataset.name, {}) if chain else {}
    columns = misfits(
        dataset.reader, outcome.row, message.timestamp_ms, lengths, years=chain is not None
    )
    if not columns:
        return outcome
    system = outcome.row.get("source_system")
    named = system if chain and system in chain.source_systems else "other"
    broken = [f"DDL.{dataset.name}.{column}" for column in columns]
    found = (*outcome.findings, *(Finding(rule, "error", named) for rule in broken))
    return replace(
        outcome, verdict=_dead_letter(broken[0]), row=None, field=columns[0], findings=found
    )


def _dead_letter(code: str) -> Verdict:
    return Verdict("dead_letter", code)


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
