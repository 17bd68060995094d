"""What of an aggregate is shown: chosen by its shape, with small cells hidden.

=======================  ==========================================================
aggregate                view
=======================  ==========================================================
with several quantiles   a band between the lowest and the highest, over time
of local days            a bar a day, in layers by the first dimension
of hours, by something   the greatest values of the first dimension, over all time
any other                a line over time, and those of the greatest values
=======================  ==========================================================

Hidden are cells of fewer than 11, the threshold of CMS. Where one cell of a window would be hidden
alone, so is the next smallest, since their total may be shown; so is the next smallest window of a
line, if that costs little. Cells are counted after rolling up: what isn't shown needs no hiding. It
is no proof against somebody who puts all plots and tables of the page into one system of equations;
see ``transforms.windows.suppress``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from beam_pipelines.report.rollup import (
    OTHERS,
    as_texts,
    by_dimensions,
    folded,
    measuring,
    over_all_time,
)
from transforms.windows import CMS_THRESHOLD, Aggregate, aggregate_of, read_totals

Numbers = np.ndarray[Any, Any]

#: Values with a color of their own; one more is the others'.
MOST_SERIES: Final = 5
#: Bars of a ranking.
MOST_BARS: Final = 15
#: Rows of a table of an aggregate.
MOST_TOTALS: Final = 12
#: Share of a line that is hidden for the sake of another window.
MOST_HIDDEN: Final = 0.1
#: Windows of a plot: a row with a time far off would press all others into one corner.
NEWEST: Final = 200


class View(Enum):
    """The plots that there are for aggregates."""

    BAND = "band"
    DAYS = "days"
    RANKING = "ranking"
    LINES = "lines"


def view_of(aggregate: Aggregate) -> View:
    """Returns the plot for an aggregate's shape; see the module's table."""
    if any(len(m.at) > 1 for m in aggregate.measures.values()):
        return View.BAND
    if aggregate.window == "day" and aggregate.dimensions:
        return View.DAYS
    if aggregate.window.endswith("h") and aggregate.dimensions:
        return View.RANKING
    return View.LINES


def main_measure(aggregate: Aggregate) -> str:
    """Returns the measure that is plotted: the first sum, else the first count, else the rows."""
    for kind in ("sum", "count"):
        for name, measure in aggregate.measures.items():
            if measure.kind == kind:
                return name
    return "rows"


@dataclass(frozen=True)
class Series:
    """Numbers over windows, NaN where hidden.

    Attributes:
        starts: The windows' starts, datetime64[us], evenly spaced.
        values: By name, the greatest first and what isn't shown one by one last.
    """

    starts: Numbers
    values: dict[str, Numbers]


def over_time(partials: pa.Table, measure: str, *, absent: float) -> Series | None:
    """Returns a measure over all dimensions; None where no window has a time.

    Args:
        partials: The aggregate's.
        measure: One of its measures; each of its quantiles has a name.
        absent: The value of windows in which nothing fell: 0 of what is counted.
    """
    totals = _shown(by_dimensions(measuring(partials, measure), []))
    every = np.ones(totals.num_rows, bool)
    measured = aggregate_of(partials.schema).measures.get(measure)
    columns = measured.columns(measure) if measured else [measure]
    return _series(totals, {name: (name, every) for name in columns}, absent)


def by_first_dimension(partials: pa.Table, measure: str, *, most: int) -> Series | None:
    """Returns a measure over time by the greatest values of the first dimension and the others."""
    dimension = aggregate_of(partials.schema).dimensions[0]
    kept = [name for name, _ in ranking(partials, measure, most=most)]
    totals = _shown(folded(measuring(partials, measure), dimension, kept))
    names = np.asarray(totals.column(dimension).to_pylist(), dtype=object)
    rows = {name: names == name for name in [*kept, OTHERS]}
    parts = {name: (measure, mine) for name, mine in rows.items() if mine.any()}
    return _series(totals, parts, absent=0.0)


def ranking(partials: pa.Table, measure: str, *, most: int) -> list[tuple[str, float]]:
    """Returns the values of the first dimension that have most of a measure, over all time.

    Hidden cells are left out.
    """
    dimension = aggregate_of(partials.schema).dimensions[0]
    totals = _shown(by_dimensions(over_all_time(measuring(partials, measure)), [dimension]))
    names = as_texts(totals.column(dimension)).to_pylist()
    values = _floats(totals.column(measure))
    pairs = [(n, float(v)) for n, v in zip(names, values, strict=True) if not np.isnan(v)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:most]


def top_rows(partials: pa.Table, measure: str) -> tuple[pa.Table, int]:
    """Returns the totals over all time with most of a measure, and how many there are in all."""
    totals = _shown(over_all_time(partials))
    values = np.nan_to_num(_floats(totals.column(measure)), nan=-np.inf)
    order = np.argsort(-values, kind="stable")[:MOST_TOTALS]
    kept = totals.drop_columns(["window_start", "window_end"])
    return kept.take(pa.array(order)), totals.num_rows


def _shown(partials: pa.Table) -> pa.Table:
    return read_totals(partials, suppress_below=CMS_THRESHOLD)


def _series(
    totals: pa.Table, parts: Mapping[str, tuple[str, Numbers]], absent: float
) -> Series | None:
    """Returns columns of some rows of the totals, at most one a window, over evenly spaced time."""
    timed = np.asarray(totals.column("window_start").is_valid().to_numpy())
    if not timed.any():
        return None
    micros, ends = (
        np.asarray(totals.column(name).cast(pa.int64()).fill_null(0).to_numpy())
        for name in ("window_start", "window_end")
    )
    width, last = int((ends - micros)[timed][0]), int(micros[timed].max())
    first = max(int(micros[timed].min()), last - (NEWEST - 1) * width)
    starts = np.arange(first, last + 1, width)
    values = {}
    for name, (column, mine) in parts.items():
        shown = timed & mine & (micros >= first)
        values[name] = np.full(len(starts), absent)
        values[name][(micros[shown] - first) // width] = _floats(totals.column(column))[shown]
        if not np.isnan(absent):
            _complement(values[name])
    return Series(starts.astype("datetime64[us]"), values)


def _complement(values: Numbers) -> None:
    """Hides, where one window is hidden, the smallest other one in which anything fell too.

    Unless that is much of the whole: hiding the one full day beside a day of few rows would leave
    nothing to see.
    """
    hidden = np.isnan(values)
    others = np.flatnonzero(~hidden & (values != 0))
    if hidden.sum() == 1 and len(others):
        smallest = others[np.argmin(np.abs(values[others]))]
        if abs(values[smallest]) <= MOST_HIDDEN * np.nansum(np.abs(values)):
            values[smallest] = np.nan


def _floats(column: pa.ChunkedArray) -> Numbers:
    return np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy())
