"""One run of the fault suite, from the servers' start to the proof."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from tests.chaos.job_direct import DirectJob
from tests.chaos.job_flink import FlinkJob
from tests.chaos.ledger import Ledger, Recovered
from tests.chaos.load import Load
from tests.chaos.plan import Fault, Runner, plan
from tests.chaos.proof import Proof, Verdict
from tests.chaos.site import Site, site
from tests.chaos.strikes import Strikes
from tests.chaos.watch import StuckError, Watch

_JOBS: Final[Mapping[Runner, Callable[[Site, str], DirectJob | FlinkJob]]] = {
    "direct": DirectJob,
    "flink": FlinkJob,
}
#: What a fault may take at the most on average, for the length of the stream.
_FAULT_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run is made of.

    Attributes:
        runner: What the job runs on.
        kills: How many faults kill.
        seed: Decides on messages and faults.
        rate: Messages a second.
        folder: For data and logs; it stays.
        brokers: How many there are; where there are several, one is lost for good.
        before: ``module:function`` that the job's processes call first, such as a planted bug.
    """

    runner: Runner
    kills: int
    seed: int
    folder: Path
    rate: int = 100
    brokers: int = 1
    before: str = ""

    def command(self) -> str:
        """Returns the command that makes this run again."""
        flags = {"runner": self.runner, "kills": self.kills, "brokers": self.brokers}
        given = " ".join(f"--{name} {value}" for name, value in flags.items())
        return f"python -m tests.chaos {given} --rate {self.rate} --seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What a run has come to.

    Attributes:
        recovered: The faults, each with the time until all went on.
        verdict: The comparison at the end.
    """

    recovered: list[Recovered]
    verdict: Verdict


class ChaosError(Exception):
    """A run that couldn't be brought to its end; says how it is made again."""


def run(
    settings: Settings, tell: Callable[[str], None], enough: Callable[[], bool] = lambda: False
) -> Outcome:
    """Makes a run.

    Args:
        settings: What it is made of.
        tell: Gets each line for whoever waits.
        enough: Asked before each fault, whether the run is to come to its end.

    Raises:
        ChaosError: The job didn't recover from a fault.
    """
    faults = plan(settings.seed, settings.runner, settings.kills, brokers=settings.brokers)
    tell(f"{len(faults)} faults of seed {settings.seed}; data and logs are in {settings.folder}")
    cluster = settings.runner == "flink"
    with site(settings.folder, cluster=cluster, count=settings.brokers) as place:
        job = _JOBS[settings.runner](place, settings.before)
        load = Load(
            place.brokers.bootstrap_servers,
            seed=settings.seed,
            events=(len(faults) + 1) * _FAULT_S * settings.rate,
            rate=settings.rate,
            replication=settings.brokers,
        )
        ledger = Ledger(settings.folder / "ledger.jsonl", tell)
        watch = Watch(place, [job.tend, load.check])
        job.watch = watch
        place.migrate()
        load.send_references()
        job.begin()
        load.start()
        try:
            strikes = Strikes(place, job, watch)
            watch.until_progress()
            for fault in takewhile(lambda _: not enough(), faults):
                _befall(fault, strikes, watch, ledger)
        except (StuckError, AssertionError) as error:
            number = len(ledger.recovered) + 1
            raise ChaosError(
                f"fault {number}: {error}. Again: {settings.command()}; logs are in "
                f"{settings.folder}"
            ) from error
        finally:
            watch.close()
        return _concluded(place, job, load, ledger, tell)


def _befall(fault: Fault, strikes: Strikes, watch: Watch, ledger: Ledger) -> None:
    watch.pause(fault.after_s)
    ledger.struck(fault)
    with strikes.of(fault) as struck:
        watch.until_progress()
        seconds = time.monotonic() - struck
    ledger.over(fault, seconds)


def _concluded(
    place: Site, job: DirectJob | FlinkJob, load: Load, ledger: Ledger, tell: Callable[[str], None]
) -> Outcome:
    load.stop()
    problems = job.finish()
    tell("All that was sent is drained; comparing")
    place.servers.redshift.limit_idling(0)  # Comparing takes its time.
    verdict = Proof(place, load.sent).verdict()
    verdict.problems += problems
    return Outcome(ledger.recovered, verdict)
