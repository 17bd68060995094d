"""What a violation of the packaged rules is: a sound event with a few values changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from beam_pipelines.produce.drug_list import DRUGS, Drug
from beam_pipelines.produce.faults.patching import Value
from beam_pipelines.produce.pools import World

Row: TypeAlias = Mapping[str, Any]
"""An event's values by field, and `timestamp`: the broker's, in microseconds."""

Changes: TypeAlias = dict[str, Value]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNKNOWN_NDC = "99999888877"
"""An NDC that no drug of the stream has."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a violation must know of the references.

    Attributes:
        drugs: Each drug's line of the list, by NDC.
        brands: The NDCs that are brands.
        gtins: A GTIN by NDC.
        retail: The stores that are retail pharmacies, by NCPDP id.
        unregistered: An NPI of a prescriber without DEA registration.
        deactivated: NPIs that were given up before the stream's day; none in small worlds.
        day: The stream's day, days since 1970.
    """

    drugs: Mapping[str, Drug]
    brands: frozenset[str]
    gtins: Mapping[str, str]
    retail: frozenset[str]
    unregistered: str
    deactivated: tuple[str, ...]
    day: int

    def warns(self, row: Row) -> bool:
        """Whether a dispense event may trip a rule as it is: sound streams hold a few such."""
        young = row["patient_dob"] > self.day - 20 * 365
        return young or row["prescriber_npi"] in self.deactivated

    @classmethod
    def of(cls, world: World) -> "Facts":
        """Looks them up."""
        ndcs = world.drugs.ndc.to_pylist()
        numbers = world.prescribers.npi.to_pylist()
        gone = np.flatnonzero(world.prescribers.deactivated)
        return cls(
            drugs=dict(zip(ndcs, (DRUGS[kind] for kind in world.drugs.kind), strict=True)),
            brands=frozenset(n for n, b in zip(ndcs, world.drugs.brand, strict=True) if b),
            gtins=dict(zip(ndcs, world.drugs.gtin.to_pylist(), strict=True)),
            retail=frozenset(
                ncpdp
                for ncpdp, kind in zip(
                    world.stores.ncpdp.to_pylist(), world.stores.dispenser_class, strict=True
                )
                if kind == 0
            ),
            unregistered=numbers[-1] if world.prescribers.registered < len(numbers) else "",
            deactivated=tuple(numbers[row] for row in gone),
            day=world.day,
        )


@dataclass(frozen=True)
class Violation:
    """How events are made that trip one rule.

    Attributes:
        rule: The rule that it is for.
        change: The changed fields, from the event's values.
        when: Which events can be changed so; it is asked before `change`.
        also: Rules that can't but trip, too.
    """

    rule: str
    change: Callable[[Row, Facts], Changes]
    when: Callable[[Row, Facts], bool] = field(default=lambda row, facts: True)
    also: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules that such an event trips, in order."""
        return tuple(sorted((self.rule, *self.also)))


def put(name: str, value: Value) -> Callable[[Row, Facts], Changes]:
    """A change of one field to one value."""
    return lambda row, facts: {name: value}


def wrong_digit(number: str) -> str:
    """The number with another last digit, its check digit."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


COMMON = (
    Violation("R01", put("event_id", "")),
    Violation("R01.future", lambda row, facts: {"event_time": row["timestamp"] + 10 * MINUTE}),
)
"""Of all event datasets."""
