"""How many events each topic gets, in all and as the day goes on."""

from dataclasses import dataclass

_REFERENCES, _INVENTORY, _PATIENTS = 0.02, 0.14, 0.06


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """Events by topic; together exactly the events asked for.

    Attributes:
        snapshot: Rows of each reference topic that are published before anything else.
        reference_updates: Changes to them, all three topics together.
        dispense: Dispense events, about 78 in a hundred.
        inventory: Inventory movements, 14 in a hundred.
        patients: Patient updates, 6 in a hundred.
    """

    snapshot: dict[str, int]
    reference_updates: int
    dispense: int
    inventory: int
    patients: int

    @classmethod
    def of(cls, events: int, pools: dict[str, int]) -> "Quotas":
        """Splits `events`; a stream of a few dozen events may hold but part of the pools."""
        left = events
        snapshot = {}
        for name, size in pools.items():
            snapshot[name] = min(size, left)
            left -= snapshot[name]
        updates = min(left, max(0, round(events * _REFERENCES) - (events - left)))
        left -= updates
        rest = 1 - _REFERENCES
        inventory, patients = int(left * _INVENTORY / rest), int(left * _PATIENTS / rest)
        return cls(
            snapshot=snapshot,
            reference_updates=updates,
            dispense=left - inventory - patients,
            inventory=inventory,
            patients=patients,
        )


@dataclass
class Share:
    """Deals out `total` in step with the stream's progress."""

    total: int
    dealt: int = 0

    def due(self, progress: float) -> int:
        """How many more are due when the share `progress` of the stream has come."""
        wanted = self.total if progress >= 1 else int(self.total * progress)
        due = wanted - self.dealt
        self.dealt = wanted
        return due
