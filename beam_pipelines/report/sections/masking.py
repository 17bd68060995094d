"""The masking policy in force."""

from collections.abc import Iterator

from beam_pipelines.report.facts import MASKING, LakeFacts
from beam_pipelines.report.markup import note, section, terms
from beam_pipelines.report.policy import key_versions, rulings
from beam_pipelines.report.tables import Column, table


def masking(facts: LakeFacts) -> str:
    """Returns the lake's policy, and what it does to each class of field."""
    return section("Masking policy", "masking", _parts(facts))


def _parts(facts: LakeFacts) -> Iterator[str]:
    masked = facts.versioned(MASKING)
    yield terms(
        [
            ("Policy", facts.lake.policy),
            ("Key domain", facts.lake.key_domain or "none"),
            ("Key version", ", ".join(key_versions(facts)) or "none"),
        ]
    )
    if not masked:
        yield note(
            "None in force: no commit was written with masks, so rows hold what the messages hold."
        )
        return
    yield table(
        "Masks of each dataset",
        [
            Column("Dataset", masked),
            Column("Newest masks", [facts.newest_version(MASKING + name) or "" for name in masked]),
            Column("Versions so far", [len(facts.versions[MASKING + name]) for name in masked]),
        ],
    )
    listed = rulings(facts)
    yield table(
        "What the policy does to each class of field",
        [
            Column("Class", [each.cls for each in listed]),
            Column("What it holds", [each.holds for each in listed]),
            Column("Action", [each.action for each in listed]),
            Column("Fields", [", ".join(each.fields) for each in listed]),
        ],
        empty="",
    )
    yield note(
        "Fields of no class that needs care are kept. The configuration may have tightened single "
        "fields: the plan's hash stands for what was done. No policy here is Safe Harbor."
    )
