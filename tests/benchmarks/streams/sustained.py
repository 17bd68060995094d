"""How fast a stream works off topics that were loaded beforehand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.benchmarks.figures import MILLION, table
from tests.benchmarks.streams.figures import Rate, rate
from tests.benchmarks.streams.site import SEED, StreamSite, stream_site

#: Workers fill their caches and buffers first.
_WARM_UP_S: Final = 20.0


@dataclass(frozen=True)
class Sustained:
    """What was measured of one stream.

    Attributes:
        name: Of its column.
        rate: Messages into the lake.
        loaded: Rows into the warehouse's raw tables, a second; None without a warehouse.
        checkpoints: How long each took, in seconds.
        cpu: CPU seconds per million events, by kind of process.
    """

    name: str
    rate: Rate
    loaded: float | None
    checkpoints: Sequence[float]
    cpu: dict[str, float]


def measure_sustained(events: int, seconds: float) -> None:
    """Prints the rate into the lake, without the warehouse and with it beside."""
    with stream_site() as site:
        site.produce(events, SEED)
        size = site.mean_bytes()
        lake = _measured(site, "lake", seconds)
        site.new_lake()
        with site.schema() as schema:
            both = _measured(site, "lake and warehouse", seconds, schema)
    print(f"Streams of {events:,} waiting events of {size:.0f} bytes, two workers:\n")
    _table([lake, both], size)


def measure_growth(events: int, seconds: float) -> None:
    """Prints the rate of one and two workers, on two and on eight partitions a topic."""
    found, sizes = [], []
    for partitions, counts in ((2, (1, 2)), (8, (2,))):
        with stream_site() as site:
            site.produce(events, SEED, f"--partitions={partitions}")
            sizes.append(site.mean_bytes())
            for workers in counts:
                name = f"{workers} worker{'s' * (workers > 1)}, {partitions} partitions"
                site.new_lake()
                found.append(_measured(site, name, seconds, None, f"--parallelism={workers}"))
    print(f"Growth, {events:,} waiting events:\n")
    _table(found, float(np.mean(sizes)))


def _measured(
    site: StreamSite, name: str, seconds: float, schema: str | None = None, *flags: str
) -> Sustained:
    if schema is not None:
        flags = (*flags, f"--redshift_schema={schema}", "--load_interval=15")
    with site.stream(*flags) as stream:
        stream.await_commit()
        stream.pause(_WARM_UP_S)
        begin, before, rows = time.time(), stream.cpu(), _rows(site, schema)
        checkpoints = stream.look_on(seconds)
        end, after, more = time.time(), stream.cpu(), _rows(site, schema)
        seen = stream.watch.stop()
    measured = rate(seen, begin, end)
    million = measured.per_second * (end - begin) / MILLION
    cpu = {kind: (after[kind] - before[kind]) / million for kind in after}
    loaded = None if schema is None else (more - rows) / (end - begin)
    return Sustained(name, measured, loaded, checkpoints, cpu)


def _rows(site: StreamSite, schema: str | None) -> int:
    """Returns how many rows of events the warehouse has."""
    if schema is None:
        return 0
    session = site.session(schema)
    tables = ("raw_dispense_event", "raw_inventory_movement")
    counts = [session.query(f"SELECT COUNT(*) FROM {schema}.{each}")[0][0] for each in tables]
    session.close()
    return sum(map(int, counts))


def _table(columns: Sequence[Sustained], size: float) -> None:
    rows = [
        ("seconds", [f"{each.rate.seconds:.0f}" for each in columns]),
        ("events/s into the lake", [f"{each.rate.per_second:,.0f}" for each in columns]),
        ("MB/s into the lake", [f"{each.rate.per_second * size / 1e6:.1f}" for each in columns]),
        ("rows/s into the warehouse", [_or_none(each.loaded, ",.0f") for each in columns]),
        ("MB/s into the warehouse", [_or_none(each.loaded, ".1f", size) for each in columns]),
        ("checkpoints", [str(len(each.checkpoints)) for each in columns]),
        ("... p50 s", [_at(each.checkpoints, 50) for each in columns]),
        ("... longest s", [_at(each.checkpoints, 100) for each in columns]),
    ]
    for kind in columns[0].cpu:
        figures = [f"{each.cpu[kind]:.1f}" for each in columns]
        rows.append((f"CPU s per million: {kind}", figures))
    table(("", *(each.name for each in columns)), [(name, *cells) for name, cells in rows])


def _at(seconds: Sequence[float], percent: float) -> str:
    return f"{np.percentile(seconds, percent):.2f}" if seconds else "-"


def _or_none(figure: float | None, form: str, size: float | None = None) -> str:
    if figure is None:
        return "-"
    return format(figure if size is None else figure * size / 1e6, form)
