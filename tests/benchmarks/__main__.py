"""``make bench``: starts the servers, measures, prints tables in Markdown.

Medians of three runs with their spread; broker, S3 server and jobs share this machine's cores.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from runners.local import services
from tests.benchmarks.decoding import decode_rate, per_record_rate
from tests.benchmarks.entrants import (
    TWO_WORKERS,
    Entrant,
    PerRecord,
    Pharmacy,
    Place,
    Spark,
)
from tests.benchmarks.figures import (
    MILLION,
    machine,
    marginal,
    marginal_rate,
    median,
    spread,
    table,
)
from tests.benchmarks.jobs import Run
from tests.benchmarks.parts import parts_of
from tests.benchmarks.stage_loop import ChainLoop, measure
from tests.benchmarks.topics import fill_references, fill_topic, make_events
from transforms.lake.client import ObjectStore

RUNS = 3
SEED = 1
#: The per-record way gets so many of the events: it is slow enough to tell by them.
FEW = 100_000
PARTS = ("jobs", "usual", "memory", "stages", "decoding")


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=MILLION)
    parser.add_argument("--long", type=int, default=5 * MILLION, help="events of the memory test")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments, parts = parts_of(parser, PARTS, ". usual: Spark and per-record Beam")
    if "usual" in parts and not all(map(find_spec, ("pyspark", "sqlglot"))):
        parser.error("the part usual needs the extra bench: pip install -e '.[bench]'")
    print(f"{machine()}; broker and S3 server on the same cores. `make bench`\n")
    with tempfile.TemporaryDirectory() as folder, services(Path(folder)) as local:
        place = Place(local, Path(folder))
        bench = _Bench(place, arguments.events, arguments.runs)
        if "jobs" in parts or "usual" in parts:
            bench.jobs(usual="usual" in parts, ours="jobs" in parts)
        if "memory" in parts:
            bench.memory(arguments.long)
        if "stages" in parts:
            bench.stages()
        if "decoding" in parts:
            bench.decoding()


class _Bench:
    def __init__(self, place: Place, events: int, runs: int) -> None:
        self._place = place
        self._events = events
        self._runs = runs
        self._stream = make_events(events, SEED)
        self._size = sum(map(len, self._stream.values)) / events
        fill_references(place.servers, events, SEED)
        few = min(FEW, events)
        self._topics = {"bench": events, "bench-small": events // 5}
        self._few = {"few": few, "few-small": few // 5}
        for topic, count in {**self._topics, **self._few}.items():
            fill_topic(place.servers, topic, self._stream.first(count))

    def jobs(self, *, usual: bool, ours: bool) -> None:
        """Whole jobs, one after the other in each round, so that all meet the same machine."""
        place = self._place
        whole = Pharmacy("one worker", place)
        entrants: list[Entrant] = [whole, Pharmacy("two workers", place, flags=TWO_WORKERS)]
        if ours:
            spine = Pharmacy("decoding alone, one worker", place, spine=True)
            flags = TWO_WORKERS
            entrants += [spine, Pharmacy("... two workers", place, spine=True, flags=flags)]
        if usual:
            spark = Spark(place, "few")
            entrants += [spark, PerRecord(place)]
        small, large = self._rounds(entrants)
        print(f"Jobs on {self._events:,} dispense events of {self._size:.0f} bytes:\n")
        _jobs_table(entrants, small, large)
        if usual:
            print(f"Spark says {spark.share}. Per-record Beam: {self._few['few']:,} events.\n")
        self._objects(whole.last_root)

    def memory(self, long: int) -> None:
        """The peak of one worker that reads for longer."""
        for _ in range(max(1, long // self._events)):
            fill_topic(self._place.servers, "bench-long", self._stream)
        for name, spine in (("the whole job", False), ("decoding alone", True)):
            one = Pharmacy(name, self._place, spine=spine)
            short = one.run("bench", self._events)
            longer = one.run("bench-long", long)
            fifths = ", ".join(f"{peak:.0f}" for peak in longer.peaks_mb(5))
            print(
                f"Peak MB of a worker, {name}: {short.peak_mb:.0f} for {self._events:,} events, "
                f"{longer.peak_mb:.0f} for {long:,}; by fifths of the longer run {fifths}.\n"
            )

    def stages(self) -> None:
        """What each stage costs in a plain loop on one core."""
        place = self._place
        lake = Pharmacy("", place)
        lake.run("few-small", self._few["few-small"])
        loop = ChainLoop(lake.last_root, place.store, place.env["MASKING_KEY"])
        loops = []
        # Rules and masks are made ready by the first segment: not what a stage costs.
        measure(place.servers, place.store, f"s3://{place.new_root()}", "few-small", loop)
        for _ in range(self._runs):
            root = f"s3://{place.new_root()}"
            loops.append(measure(place.servers, place.store, root, "bench", loop))
        print("By stage, one plain loop without Beam (µs per event = s per million):\n")
        clocks, events = [clock for clock, _ in loops], loops[0][1]
        rows = []
        for stage in clocks[0].wall:
            wall = statistics.median(clock.wall[stage] for clock in clocks) / events * MILLION
            cpu = statistics.median(clock.cpu[stage] for clock in clocks) / events * MILLION
            rows.append((stage, wall, cpu))
        total = ("all", sum(wall for _, wall, _ in rows), sum(cpu for *_, cpu in rows))
        shown = [(name, f"{wall:.2f}", f"{cpu:.2f}") for name, wall, cpu in [*rows, total]]
        table(("stage", "wall", "CPU"), shown)

    def decoding(self) -> None:
        """Decoding with damaged messages, and the per-record way."""
        values = self._stream.values[:FEW]
        rows = []
        for share in (0.0, 0.01, 0.10):
            rates = [decode_rate(values, share) for _ in range(self._runs)]
            rows.append((f"columnar, {share:.0%} of the messages damaged", spread(rates)))
        rates = [per_record_rate(values) for _ in range(self._runs)]
        rows.append(("per-record fastavro -> dicts -> Parquet, none damaged", spread(rates)))
        print(f"Decoding {len(values):,} events, events per CPU second:\n")
        table(("", "events/s"), rows)

    def _rounds(self, entrants: Sequence[Entrant]) -> tuple[list[list[Run]], list[list[Run]]]:
        small: list[list[Run]] = [[] for _ in entrants]
        large: list[list[Run]] = [[] for _ in entrants]
        for _ in range(self._runs):
            for number, entrant in enumerate(entrants):
                slow = isinstance(entrant, PerRecord)
                (full, most), (part, least) = (self._few if slow else self._topics).items()
                small[number].append(entrant.run(part, least))
                large[number].append(entrant.run(full, most))
        return small, large

    def _objects(self, root: str) -> None:
        objects = list(ObjectStore(root, self._place.store).walk(""))
        data = [o for o in objects if o.key.startswith("data/dispense_event/")]
        millions = self._events / MILLION
        print(
            f"Per million events: {len(objects) / millions:.0f} PUTs, {len(data) / millions:.0f} "
            f"of them files of events, {sum(o.size for o in data) / 1e6 / millions:.0f} MB of "
            "Parquet.\n"
        )


def _jobs_table(
    entrants: Sequence[Entrant], small: Sequence[Sequence[Run]], large: Sequence[Sequence[Run]]
) -> None:
    pairs = list(zip(small, large, strict=True))
    rows = [
        ("events/s, start-up included", [spread([r.events / r.wall for r in b]) for _, b in pairs]),
        ("events/s, start-up taken off", [marginal_rate(a, b) for a, b in pairs]),
        (
            "CPU s per million events",
            [spread([r.cpu / r.events * MILLION for r in b]) for _, b in pairs],
        ),
        ("... start-up taken off", [marginal(a, b, lambda r: r.cpu) for a, b in pairs]),
        ("peak MB of a process", [f"{median(b, lambda r: r.peak_mb):,.0f}" for _, b in pairs]),
    ]
    table(("", *(e.name for e in entrants)), [(name, *cells) for name, cells in rows])


if __name__ == "__main__":
    main()
