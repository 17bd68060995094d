"""Tables: great_tables lays them out, the page's own style sheet dresses them.

Its own style sheet has 8 kB a table and knows no dark mode; its markup ties each cell to its
headers, which is what screen readers need.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pyarrow as pa
from great_tables import GT

from beam_pipelines.report.markup import NONE, bar, note
from beam_pipelines.report.wording import count

#: Rows of a table; the page says how many it left out.
MOST_ROWS: Final = 40

_TABLE: Final = re.compile(r"<table.*?</table>", re.DOTALL)
_NOT_AN_ID: Final = re.compile(r"[^a-z0-9]+")
#: Classes that the page's style sheet doesn't use, and attributes for another tool.
_NOISE: Final = re.compile(
    r' data-quarto-\w+(-\w+)?="\w+"| (rowspan|colspan)="1"| class="gt_table(_body)?"'
)
_CLASSES: Final = re.compile(r' class="([^"]*)"')


@dataclass(frozen=True)
class Column:
    """A column of a table; the first one of a table names its rows.

    Attributes:
        title: Its header.
        cells: Texts, or counts, which are right-aligned; None for a count that isn't there.
        bars: Draws a bar behind each count, against the greatest of the column.
        right: Aligns texts to the right.
    """

    title: str
    cells: Sequence[str] | Sequence[int | None]
    bars: bool = False
    right: bool = False

    @property
    def numbers(self) -> bool:
        """Whether it holds counts."""
        return self.bars or any(isinstance(cell, int) for cell in self.cells)

    def texts(self) -> list[str]:
        """Returns the cells as HTML."""
        if self.bars:
            widest = max((cell for cell in self.cells if isinstance(cell, int)), default=0) or 1
            return [bar(count(c), (c or 0) / widest) for c in self.cells if not isinstance(c, str)]
        return [escape(c) if isinstance(c, str) else _quiet(c) for c in self.cells]


def table(caption: str, columns: Sequence[Column], *, empty: str = NONE) -> str:
    """Returns a table as HTML.

    Args:
        caption: What it shows; for those who can't see it, and unique on the page.
        columns: At least one, of equal lengths.
        empty: What to return where there are no rows.
    """
    if not columns[0].cells:
        return empty
    names = [f"c{number}" for number in range(len(columns))]
    values = {name: c.texts() for name, c in zip(names, columns, strict=True)}
    right = [n for n, c in zip(names, columns, strict=True) if c.numbers or c.right]
    titles: dict[str, Any] = {
        name: column.title for name, column in zip(names, columns, strict=True)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Arrow tables are "experimental" there.
        made = GT(pa.table(values), id=_slug(caption), rowname_col=names[0])
        made = made.tab_stubhead(columns[0].title).cols_label(cases=titles)
        made = made.cols_align("left", names).cols_align("right", right)
        # Texts are HTML by now: formatted, so that they are not escaped once more.
        made = made.fmt(_as_it_is, columns=names)
        html = made.as_raw_html()
    return _framed(caption, html)


def _quiet(number: int | None) -> str:
    """Returns a count; one of nothing stands back, so that the others are seen."""
    return count(number) if number else f'<span class="zero">{count(number)}</span>'


def left_out(listed: int) -> str:
    """Returns the remark that a table shows not all that is listed; empty if it does."""
    left = listed - MOST_ROWS
    return note(f"{left:,} more are not shown.") if left > 0 else ""


def _as_it_is(text: str) -> str:
    return text


def _framed(caption: str, html: str) -> str:
    found = _TABLE.search(html)
    assert found is not None, "great_tables made no table"
    lean = _CLASSES.sub(_used, _NOISE.sub("", found[0]))
    lean = re.sub(r">\s+<", "><", lean)
    said = escape(caption)
    return f'<div class="scroll" role="region" aria-label="{said}" tabindex="0">{lean}</div>'


def _used(match: re.Match[str]) -> str:
    names = [n for n in match[1].split() if n == "gt_right" or not n.startswith("gt_")]
    return f' class="{" ".join(names)}"' if names else ""


def _slug(caption: str) -> str:
    return "t-" + _NOT_AN_ID.sub("-", caption.lower()).strip("-")
