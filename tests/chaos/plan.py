"""From a seed to a list of faults: what befalls whom, and when."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

Runner = Literal["direct", "flink"]

BROKER: Final = "broker"
S3: Final = "S3 server"
WAREHOUSE: Final = "stand-in"
SERVERS: Final = (BROKER, S3, WAREHOUSE)

CLIENT: Final = "client"
WORKER: Final = "Python worker"
TASK_MANAGER: Final = "TaskManager"
JOB_MANAGER: Final = "JobManager"

AT_POINT: Final = "at a crash point"
TWO: Final = "two at once"
ZOMBIE: Final = "frozen, then a zombie"
CUT: Final = "connections cut"
SLOWED: Final = "connections slowed"
S3_ERRORS: Final = "S3 errors"
WAREHOUSE_ERRORS: Final = "warehouse errors"
RESTORED: Final = "older savepoint restored"
LOST: Final = "broker lost for good"

#: What is killed; each fault of these kinds ends a process by SIGKILL, or two.
KILLS: Final[dict[Runner, tuple[str, ...]]] = {
    "direct": (CLIENT, AT_POINT, WORKER, *SERVERS, TWO),
    "flink": (CLIENT, AT_POINT, WORKER, TASK_MANAGER, JOB_MANAGER, *SERVERS, TWO),
}
#: What happens beside the kills, each time after so many of them.
OTHERS: Final[dict[Runner, tuple[str, ...]]] = {
    "direct": (ZOMBIE, CUT, SLOWED, S3_ERRORS, WAREHOUSE_ERRORS),
    "flink": (ZOMBIE, CUT, SLOWED, S3_ERRORS, WAREHOUSE_ERRORS, RESTORED),
}
KILLS_BETWEEN_OTHERS: Final = 3

#: Who may die at the same time.
_PAIRED: Final[dict[Runner, tuple[str, ...]]] = {
    "direct": (CLIENT, *SERVERS),
    "flink": (WORKER, TASK_MANAGER, *SERVERS),
}
#: Crash points that each run and each worker passes, and how often it does so at least.
_POINTS: Final[dict[str, int]] = {
    "read.before_segment": 2,
    "read.after_segment": 2,
    "lake.before_data_file": 2,
    "lake.after_data_file": 2,
    "lake.before_commit": 2,
    "lake.after_commit_sent": 2,
    "lake.after_commit": 2,
    "redshift.before_statement": 40,
    "redshift.after_statement": 40,
}


#: A run takes some seconds, and each of its steps is to be struck.
_LONGEST_PEACE_S: Final = 4.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        number: From 1, in the order of the run.
        kind: What happens.
        victims: Whom it befalls, where the kind doesn't say.
        point: As ``PHARMABEAM_CRASH_POINT`` has it; empty for a random moment.
        after_s: How long the job works in peace before it.
        lasts_s: How long a victim stays away or frozen.
        draw: Decides what else there is to choose.
    """

    number: int
    kind: str
    victims: tuple[str, ...] = ()
    point: str = ""
    after_s: float
    lasts_s: float
    draw: int

    @property
    def name(self) -> str:
        """What a table calls it."""
        return f"{self.kind} killed" if self.kind in _PROCESSES else self.kind


_PROCESSES = frozenset({CLIENT, WORKER, TASK_MANAGER, JOB_MANAGER, *SERVERS})


def plan(seed: int, runner: Runner, kills: int, *, brokers: int = 1) -> tuple[Fault, ...]:
    """Returns the faults of a run: ``kills`` that kill, and others between them.

    Each kind comes once before any comes again. Where there are several brokers, one of them is
    lost in the middle.
    """
    rng = random.Random(f"{runner} {kills} {seed}")
    lethal = islice(_dealt(rng, KILLS[runner]), kills)
    others = _dealt(rng, OTHERS[runner])
    kinds: list[str] = []
    for count, kind in enumerate(lethal, start=1):
        kinds += [kind, next(others)] if count % KILLS_BETWEEN_OTHERS == 0 else [kind]
    if brokers > 1:
        kinds.insert(len(kinds) // 2, LOST)
    return tuple(_drawn(rng, runner, number, kind) for number, kind in enumerate(kinds, start=1))


def _dealt(rng: random.Random, kinds: Sequence[str]) -> Iterator[str]:
    """Deals the kinds for ever, shuffled anew each time that all have come."""
    while True:
        yield from rng.sample(kinds, len(kinds))


def _drawn(rng: random.Random, runner: Runner, number: int, kind: str) -> Fault:
    pair = tuple(rng.sample(_PAIRED[runner], 2))
    return Fault(
        number=number,
        kind=kind,
        victims=pair if kind == TWO else (),
        point=_point(rng, kind),
        after_s=round(rng.uniform(0, _LONGEST_PEACE_S), 2),
        lasts_s=round(rng.uniform(0, 3), 2),
        draw=rng.randrange(1 << 30),
    )


def _point(rng: random.Random, kind: str) -> str:
    """Returns where a process dies or stops; half of those that freeze do so at a random moment."""
    name = rng.choice(list(_POINTS))
    place = f"{name}:{rng.randint(1, _POINTS[name])}"
    frozen = f"{place}:stop" if rng.random() < 0.5 else ""
    return {AT_POINT: place, ZOMBIE: frozen}.get(kind, "")
