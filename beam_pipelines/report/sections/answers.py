"""What the warehouse answers: a table for each question, and a plot where one number ranks rows."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from beam_pipelines.report import charts
from beam_pipelines.report.markup import heading, note, section
from beam_pipelines.report.plots import Plot
from beam_pipelines.report.tables import Column, table
from beam_pipelines.report.wording import NOTHING
from beam_pipelines.warehouse.questions import Answer, as_text


def answers(given: Sequence[Answer]) -> str:
    """Returns the answers of the warehouse; nothing where none was asked."""
    if not given:
        return ""
    parts = [part for each in given for part in _answer(each)]
    lead = "Asked of the warehouse: the star schema that was loaded from this lake."
    return section("Questions of the business", "answers", parts, lead)


def _answer(each: Answer) -> Iterator[str]:
    yield heading(each.title)
    if not each.rows:
        yield note("Nothing to tell.")
        return
    yield _plot(each)
    yield table(each.title, [_column(each, at) for at in range(len(each.columns))])


def _column(each: Answer, at: int) -> Column:
    values = [row[at] for row in each.rows]
    cells = [as_text(value) or NOTHING for value in values]
    return Column(each.columns[at].replace("_", " "), cells, right=all(map(_is_number, values)))


def _plot(each: Answer) -> str:
    """Draws the last column, where rows differ by their first: the questions are put so."""
    names = [as_text(row[0]) or NOTHING for row in each.rows]
    numbers = [row[-1] for row in each.rows]
    if len(set(names)) < len(names) or not all(map(_is_number, numbers)):
        return ""
    what = each.columns[-1].replace("_", " ")
    plot = Plot(
        name=f"q-{each.name.replace('_', '-')}",
        title=each.title,
        text=", ".join(f"{n} {as_text(v)}" for n, v in zip(names, numbers, strict=True)) + ".",
        caption=f"{what}, by {each.columns[0].replace('_', ' ')}.",
    )
    values = np.array([float(value) for value in numbers])
    return charts.horizontal_bars(plot, names, values, what)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal)
