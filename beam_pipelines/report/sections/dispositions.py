"""What became of the messages: by topic, by reason, and by rule and source system."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final

from beam_pipelines.report.facts import RULES, LakeFacts, TopicFacts
from beam_pipelines.report.markup import heading, note, section
from beam_pipelines.report.meanings import Meanings
from beam_pipelines.report.tables import MOST_ROWS, Column, left_out, table
from beam_pipelines.report.wording import percent
from transforms.segment import ACCEPTED, DEAD_LETTER, FILTERED, PARKED

#: Keeps two words on one line.
NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def dispositions(facts: LakeFacts, meanings: Meanings) -> str:
    """Returns what became of the messages, by topic, by reason and by source system."""
    return section(
        "What became of the messages",
        "dispositions",
        [_by_topic(facts.topics), *_by_reason(facts, meanings), *_by_source(facts, meanings)],
        "Each message read ends in exactly one of four ways. Dead letters are kept, sealed, byte "
        "for byte.",
    )


def _by_topic(topics: Mapping[str, TopicFacts]) -> str:
    read = {name: topic for name, topic in sorted(topics.items()) if topic.messages or topic.gaps}
    ends = [topic.dispositions for topic in read.values()]
    return table(
        "Messages by topic and disposition",
        [
            Column("Topic", list(read)),
            Column("Read", [topic.messages for topic in read.values()], bars=True),
            Column("Accepted", [each[ACCEPTED] for each in ends]),
            Column("Dead letters", [each[DEAD_LETTER] for each in ends]),
            Column("Filtered", [each[FILTERED] for each in ends]),
            Column("Parked", [each[PARKED] for each in ends]),
            Column("Gaps", [topic.gaps for topic in read.values()]),
            Column(
                "Accepted, %",
                [percent(t.dispositions[ACCEPTED], t.messages) for t in read.values()],
                right=True,
            ),
        ],
    )


def _by_reason(facts: LakeFacts, meanings: Meanings) -> Iterator[str]:
    if not facts.reasons:
        return
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    for key, number in facts.reasons.items():
        means = meanings.of(key.topic, key.reason)
        cells = totals.setdefault((key.disposition, key.reason, means), Counter())
        cells[key.topic] += number
    ranked = sorted(totals, key=lambda row: (-totals[row].total(), row))
    shown = ranked[:MOST_ROWS]
    common = _common(sorted({key.topic for key in facts.reasons}))
    yield heading("Not accepted, by reason")
    yield table(
        "Messages not accepted by reason",
        [
            Column("Reason", [reason for _, reason, _ in shown]),
            Column("What it means", [means for _, _, means in shown]),
            Column("Became", [ends.replace("_", NO_BREAK) for ends, _, _ in shown]),
            Column("Messages", [totals[row].total() for row in shown], bars=True),
            Column("Of topics", [_each(totals[row], common) for row in shown]),
        ],
    )
    yield left_out(len(ranked))
    if common:
        yield note(f"All topics begin with {common}")


def _each(counts: Counter[str], common: str) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{topic.removeprefix(common)}{NO_BREAK}{n:,}" for topic, n in ranked)


def _common(topics: Sequence[str]) -> str:
    """Returns the words, up to a dot, that all names begin with."""
    if len(topics) < 2:
        return ""
    words = [topic.split(".")[:-1] for topic in topics]
    common = list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))
    return "".join(f"{column[0]}." for column in common)


def _by_source(facts: LakeFacts, meanings: Meanings) -> Iterator[str]:
    yield heading("Rules tripped, by source system")
    if not facts.rules:
        versioned = facts.versioned(RULES)
        yield note("None was tripped." if versioned else "None: it was written without rules.")
        return
    cells: dict[tuple[str, str], Counter[str]] = {}
    for key, number in facts.rules.items():
        cells.setdefault((key.topic, key.rule), Counter())[key.source] += number
    sources = sorted({key.source for key in facts.rules})
    ranked = sorted(cells, key=lambda row: (-cells[row].total(), row))
    shown = ranked[:MOST_ROWS]
    yield table(
        "Messages that trip a rule by source system",
        [
            Column("Rule", [rule for _, rule in shown]),
            Column("What is wrong", [meanings.of(*row) for row in shown]),
            Column("Severity", [meanings.severity(*row) for row in shown]),
            Column("Topic", [topic for topic, _ in shown]),
            Column("Messages", [cells[row].total() for row in shown], bars=True),
            *(Column(source, [cells[row][source] for row in shown]) for source in sources),
        ],
    )
    yield left_out(len(ranked))
    yield note(
        "A message may trip several rules. Errors became dead letters; warnings and alerts passed."
    )
    if meanings.unknown:
        yield note(
            f"The rules of {', '.join(meanings.unknown)} are not those of the rule file at hand: "
            "their texts are not shown."
        )
