"""A backlog of the lake into empty tables: how fast, by whose CPU, and in how much memory."""

from collections.abc import Callable, Sequence
from typing import Final

from tests.benchmarks.figures import MILLION, spread, table
from tests.benchmarks.warehouse.site import RAW_ONLY, Load, Site, site

#: Of 100 events of the usual stream 78 are dispense events.
_DISPENSE_SHARE: Final = 0.78
_DISPENSE: Final = "raw_dispense_event"
_PLANS: Final = {"raw tables alone": RAW_ONLY, "the whole plan": ()}


def measure_loads(rows: int, backlog: int, runs: int) -> None:
    """Prints the speed for a lake with so many dispense rows, and the memory for a larger one."""
    with site() as place:
        _fill(place, rows, seed=1)
        found = {
            name: [_loaded(place, flags) for _ in range(runs)] for name, flags in _PLANS.items()
        }
        print(f"{_told(found)} from the lake into empty tables:\n")
        table(("", *found), _rows(list(found.values())))
        if backlog > rows:
            _fill(place, backlog - rows, seed=2)
            _show_backlog(place)


def _fill(place: Site, rows: int, seed: int) -> None:
    place.produce(round(rows / _DISPENSE_SHARE), seed)
    place.drain()


def _loaded(place: Site, flags: Sequence[str]) -> Load:
    with place.schema(*flags) as schema:
        return place.load(schema, *flags)


def _told(found: dict[str, list[Load]]) -> str:
    first = next(iter(found.values()))[0]
    return f"{first.rows:,} rows, {first.rows_of(_DISPENSE):,} of them dispense events,"


def _rows(plans: Sequence[Sequence[Load]]) -> list[tuple[str, ...]]:
    figures: dict[str, Callable[[Load], float]] = {
        "rows/s, start-up included": lambda each: each.rows / each.run.wall,
        "rows/s, start-up taken off": lambda each: each.rows / each.seconds,
        "... dispense rows/s": lambda each: each.rows_of(_DISPENSE) / each.seconds,
        "CPU s per million rows: loader": lambda each: each.cpu / each.rows * MILLION,
        "... gateway": lambda each: each.servers.gateway / each.rows * MILLION,
        "... PostgreSQL": lambda each: each.servers.postgres / each.rows * MILLION,
        "peak MB of the loader": lambda each: each.run.peak_mb,
    }
    return [
        (name, *(spread([figure(load) for load in loads]) for loads in plans))
        for name, figure in figures.items()
    ]


def _show_backlog(place: Site) -> None:
    peaks = []
    for name, flags in _PLANS.items():
        load = _loaded(place, flags)
        count = f"{load.rows:,} rows in {len(load.results)} transactions"
        peaks.append(f"{load.run.peak_mb:.0f} MB for {count} ({name}, {load.seconds:.0f} s)")
    print(f"Peak of the loader: {'; '.join(peaks)}.\n")
