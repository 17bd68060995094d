"""What a reference is: committed rows that other datasets' expressions may look up by key and time.

Declared apart from rules, because rules and derived columns see the same. In YAML:

    drug:
      dataset: drug_ref
      key: ndc11
      effective: effective_from
      lookup: {dispense_event: ndc11(ndc), inventory_movement: ndc11(ndc)}
      at: {dispense_event: CAST(date_of_service AS TIMESTAMPTZ)}
    death:
      dataset: patient_update
      where: op = 'DECEASED'
      key: patient_link
      effective: effective_at
      lookup: {dispense_event: {entity: patient, of: [patient_id]}}
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from transforms.identifiers import Link
from transforms.sql.pieces import quoted

#: Where nothing else is said, a row sees the reference as it was when the event happened.
EVENT_TIME: Final = "event_time"
#: A reference's name is an SQL identifier that needs no quotes, and no lineage column.
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class ReferenceSpec(BaseModel):
    """One reference.

    A key's versions follow one another by effective time, and by offset where those are equal: each
    is valid from its own effective time until the next one's, the last one for good: the lake keeps
    no key of a tombstone, so a tombstone ends nothing. To withdraw a key, publish a version that
    says so.

    Attributes:
        dataset: The committed dataset that holds it.
        where: SQL expression over its committed rows; only rows for which it is true count. Workers
            hold all that count in memory.
        key: Its key column.
        effective: Its column (timestamp, UTC) that tells from when on a version is valid.
        lookup: Per dataset that may look it up, the expression that gives the key. Or, where that
            is a link, what it is the link of: events are judged before masks make their own.
        at: Per dataset, the expression (timestamp, UTC) that gives the time to look at; by default
            ``event_time``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    where: str | None = None
    key: str
    effective: str = "effective_from"
    lookup: Annotated[Mapping[str, str | Link], Field(min_length=1)]
    at: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _checked(self) -> "ReferenceSpec":
        links = [each for each in self.lookup.values() if isinstance(each, Link)]
        if links and len(links) < len(self.lookup):
            raise ValueError("lookup must give the key by links in all datasets, or in none")
        if len({(link.entity, len(link.of)) for link in links}) > 1:
            raise ValueError("lookup must name one entity, by as many columns in each dataset")
        return self

    @property
    def link(self) -> Link | None:
        """What its key is the link of, in one of the datasets; None if it is no link."""
        first = next(iter(self.lookup.values()))
        return first if isinstance(first, Link) else None

    def match(self, name: str, dataset: str) -> tuple[str, str]:
        """Returns the expressions that give key and time for rows of a dataset.

        Args:
            name: The reference's name.
            dataset: One that may look it up.
        """
        key = self.lookup[dataset]
        if isinstance(key, Link):
            key = f"{link_function(name)}({', '.join(map(quoted, key.of))})"
        return key, self.at.get(dataset, EVENT_TIME)

    def canonical(self, name: str, dataset: str) -> list[str | None]:
        """Returns what decides on what rows of a dataset see, as plain values."""
        entity = self.link.entity if self.link else None
        return [
            *(self.dataset, self.where, self.key, self.effective, entity),
            *self.match(name, dataset),
        ]


def link_function(name: str) -> str:
    """Returns the SQL name of the function that makes the links of a reference's key."""
    return f"_link_{name}"


def _checked(specs: Mapping[str, ReferenceSpec]) -> Mapping[str, ReferenceSpec]:
    for name, spec in specs.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"the reference {name!r} must be named in lower case, as a column is")
        strangers = sorted(set(spec.at) - set(spec.lookup))
        if strangers:
            raise ValueError(f"{name}.at names {strangers[0]}, which {name}.lookup does not")
    return specs


#: References by the name that expressions call them by.
ReferenceSpecs = Annotated[Mapping[str, ReferenceSpec], AfterValidator(_checked)]
