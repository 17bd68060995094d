"""What happened in a run: each fault, and how long the job took to recover from it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.plan import Fault


@dataclass(frozen=True)
class Recovered:
    """A fault that the job has got over.

    Attributes:
        fault: The fault.
        seconds: From the fault to the first commit and load that were made after its end.
    """

    fault: Fault
    seconds: float


@dataclass
class Ledger:
    """The faults of a run, told as they come and kept in a file.

    Attributes:
        path: One JSON document a line.
        tell: Gets a line for each fault.
        recovered: Those that the job has got over.
    """

    path: Path
    tell: Callable[[str], None]
    recovered: list[Recovered] = field(default_factory=list)

    def struck(self, fault: Fault) -> None:
        """Takes down that a fault is about to come."""
        self._note("fault", **vars(fault))

    def over(self, fault: Fault, seconds: float) -> None:
        """Takes down that the job goes on."""
        self.recovered.append(Recovered(fault, seconds))
        self._note("recovered", number=fault.number, seconds=round(seconds, 2))
        what = " and ".join(fault.victims) or fault.point
        shown = f"{fault.name} ({what})" if what else fault.name
        self.tell(f"{fault.number:3}  {shown}: recovered in {seconds:.1f} s")

    def _note(self, event: str, **facts: object) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({"at": round(time.time(), 2), "event": event, **facts}) + "\n")
