"""Drains on Spark, beside Spark's own way."""

import tempfile
from pathlib import Path

from runners.local import services
from tests.benchmarks.entrants import Entrant, Pharmacy, Place, Spark
from tests.benchmarks.figures import MILLION, median, spread, table
from tests.benchmarks.jobs import Run
from tests.benchmarks.topics import fill_references, fill_topic, make_events

_SEED = 1


def measure_drains(events: int, runs: int) -> None:
    """Prints what a drain on Spark takes, and Spark Structured Streaming, one after the other."""
    with tempfile.TemporaryDirectory() as folder, services(Path(folder)) as local:
        place = Place(local, Path(folder))
        fill_references(place.servers, events, _SEED)
        made = make_events(events, _SEED)
        fill_topic(place.servers, "drains", made)
        fill_topic(place.servers, "drains-few", made.first(1_000))
        entrants: list[Entrant] = [
            Pharmacy("this job, SparkRunner, local[2]", place, runner="SparkRunner"),
            Spark(place, "drains-few"),
        ]
        found: list[list[Run]] = [[] for _ in entrants]
        for _ in range(runs):
            for each, entrant in zip(found, entrants, strict=True):
                each.append(entrant.run("drains", events))
    print(f"Drains of {events:,} dispense events on Spark, start-up included:\n")
    rows = [
        ("events/s", [spread([run.events / run.wall for run in each]) for each in found]),
        (
            "CPU s per million events",
            [spread([run.cpu / run.events * MILLION for run in each]) for each in found],
        ),
        ("peak MB of a process", [f"{median(e, lambda r: r.peak_mb):,.0f}" for e in found]),
    ]
    table(("", *(each.name for each in entrants)), [(name, *cells) for name, cells in rows])
