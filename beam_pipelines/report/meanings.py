"""What the codes of the lake mean: reasons of the pipeline's own, and the rules of its file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from beam_pipelines.report.facts import RULES, LakeFacts
from transforms.quality.rules import RESERVED, Rule, RuleSet, Severity

#: The reasons that decoding and writing give; a rule's id begins with a capital.
CODES: Final[Mapping[str, str]] = {
    "bad_compression": "the wire header names an unknown compression",
    "bad_magic": "the first byte is of no known wire format",
    "bad_zlib": "the compressed bytes are broken or too large",
    "block_size": "a block of an array or map is not as long as it says",
    "boolean": "a byte other than 0 and 1 where a boolean is due",
    "decimal_precision": "a decimal has more digits than its schema allows",
    "empty_value": "the message has no bytes, and is no tombstone",
    "enum_index": "the number of a symbol that the enum doesn't have",
    "incompatible_schema": "the writer's schema can't be read as the dataset's",
    "int_range": "an integer outside of 32 bits",
    "negative_length": "a text or bytes of negative length",
    "quarantined": "no segment with it could be processed: see the logs",
    "short_header": "fewer bytes than a wire header",
    "time_of_day": "a time of day outside of the day",
    "tombstone": "a null value, which deletes a key",
    "too_deep": "records nested beyond 64 levels",
    "too_many_items": "more than 1,024 items that take no bytes",
    "trailing_bytes": "bytes after the last field",
    "truncated": "the message ends inside a field",
    "union_index": "the number of a branch that the union doesn't have",
    "unknown_schema_id": "the registry doesn't know the schema's id",
    "unresolvable": "a sound value that the dataset's schema can't hold",
    "utf8": "a text that is not UTF-8",
    "varint_overflow": "an integer outside of 64 bits",
}
#: What each rule of a column's limits means; its id names the column.
LIMIT: Final = "a value that its column of the warehouse can't take"


@dataclass(frozen=True)
class Meanings:
    """Tells what a reason means.

    Attributes:
        rules: By topic and id: the rules that the lake's newest commits were judged by.
        unknown: Datasets whose rules are not those of the file at hand.
    """

    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def of(self, topic: str, reason: str) -> str:
        """Returns what a reason of a topic means; empty text if nobody knows."""
        if reason.startswith(RESERVED):
            return LIMIT
        rule = self.rules.get((topic, reason))
        return rule.message if rule else CODES.get(reason, "")

    def severity(self, topic: str, rule: str) -> str:
        """Returns what happens to those that trip a rule; empty text if nobody knows."""
        if rule.startswith(RESERVED):
            return str(Severity.ERROR)
        found = self.rules.get((topic, rule))
        return str(found.severity) if found else ""


def meanings(facts: LakeFacts, rules: RuleSet | None) -> Meanings:
    """Returns the meanings for a lake.

    A rule's text is told only where the lake's newest version of a dataset's rules is the file's: a
    rule may have meant something else under another one.

    Args:
        facts: The lake's.
        rules: Those of the file at hand; None without one.
    """
    judged = facts.versioned(RULES)
    same = {
        dataset
        for dataset in judged
        if rules is not None and facts.newest_version(RULES + dataset) == rules.version(dataset)
    }
    found = dict(_by_topic(facts, rules, same)) if rules is not None else {}
    return Meanings(found, tuple(dataset for dataset in judged if dataset not in same))


def _by_topic(
    facts: LakeFacts, rules: RuleSet, datasets: set[str]
) -> Iterable[tuple[tuple[str, str], Rule]]:
    for name, topic in facts.topics.items():
        for dataset in sorted(topic.datasets & datasets):
            for rule in rules.of(dataset):
                yield (name, rule.id), rule
