"""``make bench``: starts the servers, measures, prints tables in Markdown.

Medians of three runs with their spread; broker, S3 server and job share this machine's cores.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.produce import events_of_one_schema
from runners.local import Services, services
from tests.benchmarks.jobs import Run, fill_topic, run_job, write_config
from tests.benchmarks.stage_loop import decode_rate, measure, per_record_rate
from transforms.lake.client import ObjectStore
from transforms.lake.settings import StoreSettings

MILLION = 1_000_000
RUNS = 3
TWO_WORKERS = ("--direct_num_workers=2",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=MILLION)
    parser.add_argument("--long", type=int, default=5 * MILLION, help="events of the memory test")
    arguments = parser.parse_args()
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"{date.today()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python "
        f"{platform.python_version()}; broker and S3 server on the same cores. `make bench`\n"
    )
    with tempfile.TemporaryDirectory() as folder, services(Path(folder)) as local:
        bench = _Bench(local, Path(folder), arguments.events)
        bench.jobs(arguments.long)
        bench.stages()
        bench.decoding()


class _Bench:
    def __init__(self, local: Services, folder: Path, events: int) -> None:
        self._folder = folder
        self._servers = local.kafka.bootstrap_servers
        self._events = events
        self._bucket = local.s3.bucket
        self._store = StoreSettings(
            endpoint_url=local.s3.endpoint_url,
            region=local.s3.region,
            access_key_id=local.s3.access_key,
            secret_access_key=local.s3.secret_key,
        )
        self._env = {
            "AWS_ENDPOINT_URL_S3": local.s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": local.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": local.s3.secret_key,
            "AWS_REGION": local.s3.region,
            "DEAD_LETTER_KEY": "00" * 32,
        }
        self._values = events_of_one_schema(events, seed=1)
        self._size = sum(map(len, self._values)) / events
        fill_topic(self._servers, "bench", self._values, 4)
        fill_topic(self._servers, "bench-small", self._values[: events // 5], 4)

    def jobs(self, long: int) -> None:
        """Whole runs of the job, start-up included, and the rate without it."""
        small = self._repeat("bench-small")
        one = self._repeat("bench")
        counted = self._last
        two_small = self._repeat("bench-small", TWO_WORKERS)
        two = self._repeat("bench", TWO_WORKERS)
        for _ in range(max(1, long // self._events)):
            fill_topic(self._servers, "bench-long", self._values, 4)
        longest = [self._run("bench-long")]
        print(f"The job on {self._events:,} dispense events of {self._size:.0f} bytes:\n")
        _table(
            ("", "one worker", "two workers"),
            [
                ("events/s, start-up included", *_both(one, two, lambda r: self._events / r.wall)),
                ("events/s, start-up taken off", *self._marginal(small, one, two_small, two)),
                ("CPU s per million events", *_both(one, two, self._cpu_per_million)),
                ("peak MB of a process", *_both(one, two, lambda r: r.peak_mb)),
            ],
        )
        print(
            f"Peak MB of a worker: {_median(one, lambda r: r.peak_mb):.0f} for {self._events:,} "
            f"events, {longest[0].peak_mb:.0f} for {long:,}.\n"
        )
        self._objects(counted)

    def stages(self) -> None:
        """What each stage costs in a plain loop on one core."""
        loops = [
            measure(self._servers, self._store, f"s3://{self._bucket}/stages-{i}", "bench", 4)
            for i in range(RUNS)
        ]
        print("By stage, one plain loop without Beam (µs per event = s per million):\n")
        events = loops[0][1]
        rows = []
        for stage in loops[0][0].wall:
            wall = statistics.median(c.wall[stage] for c, _ in loops) / events * MILLION
            cpu = statistics.median(c.cpu[stage] for c, _ in loops) / events * MILLION
            rows.append((stage, f"{wall:.2f}", f"{cpu:.2f}"))
        _table(("stage", "wall", "CPU"), rows)

    def decoding(self) -> None:
        """Decoding with damaged messages, and the per-record way."""
        values = self._values[:100_000]
        rows = []
        for share in (0.0, 0.01, 0.10):
            rates = [decode_rate(values, share) for _ in range(RUNS)]
            rows.append((f"columnar, {share:.0%} of the messages damaged", _spread(rates)))
        rates = [per_record_rate(values, _write_parquet) for _ in range(RUNS)]
        rows.append(("per-record fastavro -> dicts -> Parquet, none damaged", _spread(rates)))
        print("Decoding 100,000 events, events per CPU second:\n")
        _table(("", "events/s"), rows)

    def _objects(self, run: int) -> None:
        root = f"s3://{self._bucket}/run-{run}"
        objects = list(ObjectStore(root, self._store).walk(""))
        data = [o for o in objects if o.key.startswith("data/")]
        millions = self._events / MILLION
        print(
            f"Per million events: {len(objects) / millions:.0f} PUTs, {len(data) / millions:.0f} "
            f"of them data files, {sum(o.size for o in data) / 1e6 / millions:.0f} MB of Parquet.\n"
        )

    def _repeat(self, topic: str, flags: Sequence[str] = ()) -> list[Run]:
        return [self._run(topic, flags) for _ in range(RUNS)]

    _last = 0

    def _run(self, topic: str, flags: Sequence[str] = ()) -> Run:
        self._last += 1
        config = write_config(self._folder / f"{topic}.yaml", topic)
        root = f"s3://{self._bucket}/run-{self._last}"
        return run_job(self._env, self._servers, root, config, flags)

    def _cpu_per_million(self, run: Run) -> float:
        return run.cpu / self._events * MILLION

    def _marginal(self, *runs: list[Run]) -> tuple[str, str]:
        small, one, two_small, two = (_median(each, lambda r: r.wall) for each in runs)
        more = self._events - self._events // 5
        return f"{more / (one - small):,.0f}", f"{more / (two - two_small):,.0f}"


def _both(one: list[Run], two: list[Run], figure: Callable[[Run], float]) -> tuple[str, str]:
    return _spread([figure(r) for r in one]), _spread([figure(r) for r in two])


def _median(runs: list[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(figure(run) for run in runs)


def _spread(values: Sequence[float]) -> str:
    middle = statistics.median(values)
    form = ",.0f" if middle >= 100 else ".1f"
    return f"{middle:{form}} ({min(values):{form}} to {max(values):{form}})"


def _write_parquet(table: pa.Table) -> None:
    pq.write_table(table, pa.BufferOutputStream(), compression="zstd", compression_level=1)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


if __name__ == "__main__":
    main()
