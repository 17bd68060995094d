"""The plots of the page, each from plain values to HTML."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import EngFormatter

from beam_pipelines.report.plots import (
    HEIGHT,
    INK,
    MUTED,
    SERIES,
    Plot,
    drawing,
    figure,
    legend,
    series,
)

Numbers = np.ndarray[Any, Any]

#: Height of one bar of a horizontal bar plot and of what is around the bars, in inches.
BAR: Final = 0.27
AROUND: Final = 0.6
#: Names below bars: more would run into one another.
MOST_NAMES: Final = 8


def stacked_steps(plot: Plot, edges: Numbers, layers: Mapping[str, Numbers], y_label: str) -> str:
    """Draws layers of steps over time, the first at the bottom.

    Args:
        plot: What it shows.
        edges: Bounds of the steps, milliseconds since 1970 UTC.
        layers: Heights by name.
        y_label: What the heights are.
    """
    with drawing() as drawn:
        axes = drawn.axes
        times = edges.astype("datetime64[ms]")
        bottom = np.zeros(len(edges) - 1)
        for name, color in series(list(layers)):
            top = bottom + layers[name]
            axes.stairs(top, times, baseline=bottom, fill=True, color=color, label=name)
            bottom = top
        _over_time(axes, times[0], times[-1])
        axes.set_ylim(bottom=0)
        axes.set_ylabel(y_label)
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        legend(axes, 3)
    return figure(plot, drawn)


def lines(
    plot: Plot, times: Numbers, main: tuple[str, Numbers], others: Mapping[str, Numbers], label: str
) -> str:
    """Draws a main line over time, filled, and thinner ones; NaN leaves a gap."""
    with drawing() as drawn:
        axes = drawn.axes
        name, values = main
        axes.fill_between(times, values, color=MUTED, alpha=0.13, linewidth=0)
        axes.plot(times, values, color=INK, label=name)
        for other, color in series(list(others)):
            axes.plot(times, others[other], color=color, label=other, linewidth=1.3)
        _over_time(axes, times[0], times[-1])
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(values))))
        axes.set_ylabel(label)
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        legend(axes)
    return figure(plot, drawn)


def band(
    plot: Plot, times: Numbers, low: tuple[str, Numbers], high: tuple[str, Numbers], label: str
) -> str:
    """Draws two lines over time with the band between them; NaN leaves a gap."""
    with drawing() as drawn:
        axes = drawn.axes
        axes.fill_between(times, low[1], high[1], color=SERIES[0], alpha=0.16, linewidth=0)
        axes.plot(times, high[1], color=SERIES[0], linewidth=1.2, label=high[0], linestyle="--")
        axes.plot(times, low[1], color=SERIES[0], linewidth=2.2, label=low[0])
        _over_time(axes, times[0], times[-1])
        axes.set_ylim(bottom=0)
        axes.set_ylabel(label)
        legend(axes)
    return figure(plot, drawn)


def horizontal_bars(plot: Plot, names: Sequence[str], values: Numbers, label: str) -> str:
    """Draws a bar per name, the first on top, each with its number."""
    with drawing(AROUND + BAR * len(names)) as drawn:
        axes = drawn.axes
        places = np.arange(len(names))[::-1]
        bars = axes.barh(places, values, color=SERIES[0], height=0.68)
        axes.bar_label(bars, [f"{value:,.0f}" for value in values], padding=4, color=MUTED)
        axes.set_yticks(places, list(names))
        axes.grid(visible=False)
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.margins(x=0.1, y=0.02)
    return figure(plot, drawn)


def stacked_bars(
    plot: Plot, places: Sequence[str], layers: Mapping[str, Numbers], label: str
) -> str:
    """Draws a bar per place in layers; what is negative hangs below the line."""
    with drawing(HEIGHT) as drawn:
        axes = drawn.axes
        at = np.arange(len(places))
        up, down = np.zeros(len(places)), np.zeros(len(places))
        for name, color in series(list(layers)):
            values = np.nan_to_num(layers[name])
            base = np.where(values >= 0, up, down)
            axes.bar(at, values, bottom=base, color=color, width=0.66, label=name)
            up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
        step = -(-len(places) // MOST_NAMES)
        axes.set_xticks(at[::step], list(places[::step]))
        axes.set_xlim(-0.6, max(len(places), 4) - 0.4)
        axes.set_ylabel(label)
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        legend(axes)
    return figure(plot, drawn)


def _over_time(axes: Axes, first: np.datetime64 | datetime, last: np.datetime64 | datetime) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    if first != last:
        axes.set_xlim(first, last)  # type: ignore[arg-type]
