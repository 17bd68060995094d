"""The topic of live figures, held against the lake's totals."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from beam_pipelines.pharmacy.config import load_config
from tests.chaos.site import KPI_TOPIC, Site
from tests.oracle import committed_ends, earliest_starts, read_committed
from tests.transforms.windows.batches import by_cell, shown
from transforms.windows import Aggregate, Pane, merge_totals, pane_of


def panes_that_differ(site: Site) -> Iterator[str]:
    """Yields in which aggregates the latest panes aren't the totals; tells no values."""
    panes = list(_published(site.brokers.bootstrap_servers))
    for aggregate in load_config(site.lake.config).aggregates:
        told = shown(
            _ordered(pane, aggregate) for pane in panes if pane.aggregate == aggregate.name
        )
        wanted = _totals(site, aggregate)
        cells = told.keys() | wanted.keys()
        if differing := sum(told.get(cell) != wanted.get(cell) for cell in cells):
            yield (
                f"{aggregate.name}: {differing} of {len(wanted)} cells differ, and "
                f"{len(told)} are published"
            )


def _ordered(pane: Pane, aggregate: Aggregate) -> Pane:
    """The pane with its dimensions in their declared order: JSON has them by name."""
    return replace(pane, dimensions={name: pane.dimensions[name] for name in aggregate.dimensions})


def _published(servers: str) -> Iterator[Pane]:
    starts, ends = earliest_starts(servers, KPI_TOPIC), committed_ends(servers, KPI_TOPIC)
    for message in read_committed(servers, KPI_TOPIC, starts, ends):
        if message.value is not None:
            yield pane_of(message.value)


def _totals(site: Site, aggregate: Aggregate) -> dict[tuple[Any, ...], dict[str, Any]]:
    store = site.lake.store
    rows = merge_totals(store.root, aggregate.name, store=store.settings).to_pylist()
    # Panes don't tell of rows without a time.
    return by_cell((row for row in rows if row["window_start"] is not None), aggregate)
