"""Totals by window: a plot and a table for each aggregate of the lake."""

from collections.abc import Iterator, Mapping

import numpy as np

from beam_pipelines.report import charts
from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.markup import details, heading, note, section
from beam_pipelines.report.plots import Plot
from beam_pipelines.report.rollup import as_texts
from beam_pipelines.report.tables import Column, table
from beam_pipelines.report.views import (
    MOST_BARS,
    MOST_SERIES,
    Numbers,
    Series,
    View,
    by_first_dimension,
    main_measure,
    over_time,
    ranking,
    top_rows,
    view_of,
)
from beam_pipelines.report.windows import WindowFacts
from beam_pipelines.report.wording import NOTHING, span
from transforms.windows import CMS_THRESHOLD, Aggregate

Names = Mapping[str, str]


def windows(facts: LakeFacts) -> str:
    """Returns the aggregates of the lake, each with its plot and its greatest rows."""
    parts = [part for each in facts.windows for part in _aggregate(each)]
    lead = (
        f"This page may travel: what counts fewer than {CMS_THRESHOLD} is hidden, and beside one "
        "that is hidden alone the next smallest, so that subtraction doesn't give it away. A gap "
        "in a line is such a window. Against somebody who combines plots and tables it is no proof."
    )
    return section("Windows", "windows", parts, lead if parts else "")


def _aggregate(each: WindowFacts) -> Iterator[str]:
    yield heading(_title(each.name))
    if each.problem:
        yield note(each.problem)
        return
    if not each.partials.num_columns or not each.partials.num_rows:
        yield note("No row in this time.")
        return
    aggregate = each.aggregate
    yield note(_declared(aggregate))
    yield _plot(each, aggregate) or note("Too few rows to show.")
    yield _table(each, aggregate)


def _title(name: str) -> str:
    text = name.replace("_", " ")
    return text[0].upper() + text[1:]


def _declared(aggregate: Aggregate) -> str:
    by = f" by {', '.join(aggregate.dimensions)}" if aggregate.dimensions else ""
    zone = f" of {aggregate.zone}" if aggregate.window == "day" else ""
    return f"{aggregate.dataset}, {aggregate.time} in windows of {aggregate.window}{zone}{by}."


def _plot(each: WindowFacts, aggregate: Aggregate) -> str:
    return _PLOTS[view_of(aggregate)](each, aggregate)


def _band(each: WindowFacts, aggregate: Aggregate) -> str:
    name, measure = next((n, m) for n, m in aggregate.measures.items() if len(m.at) > 1)
    columns = measure.columns(name)
    ranked = [column for _, column in sorted(zip(measure.at, columns, strict=True))]
    series = over_time(each.partials, name, absent=np.nan)
    if series is None or _hidden(series):
        return ""
    low, high = ranked[0], ranked[-1]
    plot = Plot(
        name=_anchor(each),
        title=f"{_title(name)}: {low.rsplit('_', 1)[-1]} to {high.rsplit('_', 1)[-1]}",
        text=f"{_span(series)} {low} between {_range(series.values[low])}, "
        f"{high} between {_range(series.values[high])}.",
        caption=f"{_title(name)} over all {_plural(aggregate)}, {_width(series)} (UTC).",
    )
    bounds = (low, series.values[low]), (high, series.values[high])
    return charts.band(plot, series.starts, *bounds, _title(name).lower())


def _lines(each: WindowFacts, aggregate: Aggregate) -> str:
    measure = main_measure(aggregate)
    total = over_time(each.partials, measure, absent=0.0)
    if total is None or _hidden(total):
        return ""
    others: dict[str, Numbers] = {}
    if aggregate.dimensions:
        parts = by_first_dimension(each.partials, measure, most=MOST_SERIES)
        if parts is not None:
            others = {name: parts.values[name] for name in list(parts.values)[:MOST_SERIES]}
    first = aggregate.dimensions[0] if others else ""
    plot = Plot(
        name=_anchor(each),
        title=_title(each.name),
        text=f"{_span(total)} {measure} between {_range(total.values[measure])} a window, "
        f"{np.nansum(total.values[measure]):,.0f} in all that are shown."
        + (f" Greatest {first}: {', '.join(others)}." if others else ""),
        caption=f"{measure}, {_width(total)} (UTC)"
        + (f"; in color the greatest of {first}." if others else "."),
    )
    return charts.lines(plot, total.starts, ("all", total.values[measure]), others, measure)


def _days(each: WindowFacts, aggregate: Aggregate) -> str:
    measure, first = main_measure(aggregate), aggregate.dimensions[0]
    series = by_first_dimension(each.partials, measure, most=MOST_SERIES)
    if series is None or _hidden(series):
        return ""
    days = [str(day) for day in series.starts.astype("datetime64[D]")]
    sums = {name: float(np.nansum(values)) for name, values in series.values.items()}
    plot = Plot(
        name=_anchor(each),
        title=_title(each.name),
        text=f"From {days[0]} to {days[-1]}: "
        + ", ".join(f"{name} {value:,.0f}" for name, value in sums.items())
        + ".",
        caption=f"{measure} by {first}, {_width(series)}; days are local.",
    )
    return charts.stacked_bars(plot, days, series.values, measure)


def _ranking(each: WindowFacts, aggregate: Aggregate) -> str:
    measure, first = main_measure(aggregate), aggregate.dimensions[0]
    ranked = ranking(each.partials, measure, most=MOST_BARS)
    if not ranked:
        return ""
    plot = Plot(
        name=_anchor(each),
        title=f"{_title(each.name)}: the greatest",
        text=", ".join(f"{name} {value:,.0f}" for name, value in ranked) + ".",
        caption=f"{measure} of the greatest of {first}, over all windows.",
    )
    values = np.array([value for _, value in ranked])
    return charts.horizontal_bars(plot, [name for name, _ in ranked], values, measure)


_PLOTS = {View.BAND: _band, View.LINES: _lines, View.DAYS: _days, View.RANKING: _ranking}


def _table(each: WindowFacts, aggregate: Aggregate) -> str:
    rows, listed = top_rows(each.partials, main_measure(aggregate))
    columns = [
        Column(name, as_texts(rows.column(name)).to_pylist()) for name in aggregate.dimensions
    ] or [Column("over all", ["everything"] * rows.num_rows)]
    for name in rows.column_names:
        if name not in aggregate.dimensions and name != "suppressed":
            cells = [_cell(value) for value in rows.column(name).to_pylist()]
            columns.append(Column(name, cells, right=True))
    shown = table(f"Totals of {each.name} over all windows", columns)
    more = f"the first {rows.num_rows} of {listed:,}" if listed > rows.num_rows else "all"
    return details(f"Totals over all windows, {more}", shown)


def _cell(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if hasattr(value, "as_tuple") else str(value)


def _anchor(each: WindowFacts) -> str:
    return f"w-{each.name.replace('_', '-')}"


def _plural(aggregate: Aggregate) -> str:
    return ", ".join(aggregate.dimensions) or "rows"


def _hidden(series: Series) -> bool:
    return all(np.isnan(values).all() for values in series.values.values())


def _range(values: Numbers) -> str:
    if np.isnan(values).all():
        return "hidden"
    return f"{np.nanmin(values):,.1f} and {np.nanmax(values):,.1f}"


def _span(series: Series) -> str:
    first, last = (str(series.starts[at].astype("datetime64[m]")) for at in (0, -1))
    return f"From {first.replace('T', ' ')} to {last.replace('T', ' ')} UTC:"


def _width(series: Series) -> str:
    if len(series.starts) < 2:
        return "one window"
    seconds = (series.starts[1] - series.starts[0]) / np.timedelta64(1, "s")
    return f"a window is {span(float(seconds))}"
