"""What a reference is: committed rows that other datasets' expressions may look up by key and time.

Declared apart from rules, because rules and derived columns see the same. In YAML:

    drug:
      dataset: drug_ref
      key: ndc11
      effective: effective_from
      lookup: {dispense_event: ndc11(ndc), inventory_movement: ndc11(ndc)}
      at: {dispense_event: CAST(date_of_service AS TIMESTAMPTZ)}
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
        key: Its key column.
        effective: Its column (timestamp, UTC) that tells from when on a version is valid.
        lookup: Per dataset that may look it up, the expression that gives the key.
        at: Per dataset, the expression (timestamp, UTC) that gives the time to look at; by default
            ``event_time``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    key: str
    effective: str = "effective_from"
    lookup: Annotated[Mapping[str, str], Field(min_length=1)]
    at: Mapping[str, str] = {}

    def match(self, dataset: str) -> tuple[str, str]:
        """Returns the expressions that give key and time for rows of a dataset."""
        return self.lookup[dataset], self.at.get(dataset, EVENT_TIME)


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
