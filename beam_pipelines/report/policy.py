"""The masking policy in force: what it does to each class of field."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from beam_pipelines.report.facts import MASKING, LakeFacts
from schemas.catalog import packaged_datasets
from schemas.classification import CLASSES, Classification, classification
from transforms.masking import POLICIES
from transforms.masking.policies import MustDecide, ruling

#: The class of fields that need no care: most of them, and always kept.
_NO_CARE: Final = "NONE"
#: As ``transforms.masking`` writes it into a dataset's version.
_KEY: Final = re.compile(r"\bkey=(v\d+):")


@dataclass(frozen=True)
class ClassRuling:
    """What a policy does with a class of field.

    Attributes:
        cls: The class, such as ``D:mrn``.
        holds: What such fields hold.
        action: What is done with them.
        fields: The lake's fields of the class, as ``dataset.field``.
    """

    cls: str
    holds: str
    action: str
    fields: tuple[str, ...]


def rulings(facts: LakeFacts) -> list[ClassRuling]:
    """Returns what the lake's policy does with the classes that its datasets have fields of.

    Only of packaged datasets: the lake knows no schema's classes. Empty for a lake whose policy is
    none of ours.
    """
    if facts.lake.policy not in POLICIES:
        return []
    found: dict[tuple[str, str], list[str]] = {}
    for name, field, kind in _fields(facts.versioned(MASKING)):
        found.setdefault((kind.cls, _action(facts.lake.policy, kind)), []).append(f"{name}.{field}")
    order = list(CLASSES)
    return [
        ClassRuling(cls, CLASSES[cls], action, tuple(fields))
        for (cls, action), fields in sorted(found.items(), key=lambda item: order.index(item[0][0]))
    ]


def key_versions(facts: LakeFacts) -> list[str]:
    """Returns the versions of the key that the newest masks of datasets use, such as ``v3``."""
    newest = [facts.newest_version(MASKING + name) or "" for name in facts.versioned(MASKING)]
    found = {match[1] for text in newest if (match := _KEY.search(text))}
    return sorted(found, key=lambda name: int(name[1:]))


def _fields(datasets: Iterable[str]) -> Iterator[tuple[str, str, Classification]]:
    wanted = set(datasets)
    for dataset in packaged_datasets():
        if dataset.name in wanted:
            for field, kind in classification(dataset.reader).items():
                if kind.cls != _NO_CARE and kind.cls in CLASSES:
                    yield dataset.name, field, kind


def _action(policy: str, kind: Classification) -> str:
    found = ruling(policy, kind)
    if isinstance(found, MustDecide):
        return f"as configured, {found.least} at least"
    return "none" if found is None else str(found).replace("_", " ")
