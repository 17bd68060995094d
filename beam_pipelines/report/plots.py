"""Plots: matplotlib draws them, the page's style sheet colors them.

A plot is drawn in colors that stand for roles (ink, grid, the first series, ...), which then become
the page's own variables: so one drawing serves light and dark. Text stays text, in the page's font.
No state of matplotlib's is shared, and nothing in the result depends on when it was drawn.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Final, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Roles and the colors that stand for them while drawing; no drawing has them otherwise.
ROLES: Final = {
    "ink": "#010203",
    "muted": "#020304",
    "grid": "#030405",
    "s1": "#040506",
    "s2": "#050607",
    "s3": "#060708",
    "s4": "#070809",
    "s5": "#08090a",
    "s6": "#090a0b",
}
SERIES: Final = tuple(ROLES[f"s{number}"] for number in range(1, 7))
INK: Final = ROLES["ink"]
MUTED: Final = ROLES["muted"]

#: Inches at 72 a unit: the plot is as wide as a phone turned on its side, and grows from there.
WIDTH: Final = 9.6
HEIGHT: Final = 3.0

_SETTINGS: Final[dict[str, Any]] = {
    "svg.hashsalt": "pharmabeam",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # ships with matplotlib: same metrics on every machine
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": ROLES["grid"],
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.formatter.useoffset": False,
    "grid.color": ROLES["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.parse_math": False,  # a name may hold dollars
    "timezone": "UTC",
    "date.epoch": "1970-01-01T00:00:00",
}


@dataclass(frozen=True)
class Plot:
    """What a plot shows, in words.

    Attributes:
        name: Unique on the page; letters, digits and dashes.
        title: Its heading and its name for those who can't see it.
        text: What can be seen in it, with the numbers that matter.
        caption: Printed below it; empty for none.
    """

    name: str
    title: str
    text: str
    caption: str = ""


class Drawing:
    """A plot under way: draw on ``axes`` within ``drawing``, then take ``html``."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(WIDTH, height), layout="constrained")
        self.axes: Axes = self.figure.add_subplot()
        self.svg = ""


@contextmanager
def drawing(height: float = HEIGHT) -> Iterator[Drawing]:
    """Gives axes to draw on, in the page's style; the drawing is complete on leaving."""
    with mpl.rc_context(cast(Any, _SETTINGS)):
        made = Drawing(height)
        yield made
        buffer = io.StringIO()
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        made.figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
        made.svg = buffer.getvalue()


def figure(plot: Plot, drawn: Drawing) -> str:
    """Returns a finished drawing as a figure of the page."""
    caption = f"<figcaption>{escape(plot.caption)}</figcaption>" if plot.caption else ""
    return (
        f'<figure><div class="scroll" role="region" aria-label="{escape(plot.title)}" '
        f'tabindex="0">{_inline(plot, drawn.svg)}</div>{caption}</figure>'
    )


def legend(axes: Axes, columns: int = 6) -> None:
    """Puts the legend above the plot, in one row where it fits."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        handlelength=1.1,
        columnspacing=1.4,
    )


def series(names: Sequence[str]) -> list[tuple[str, str]]:
    """Returns names with their colors; the last color is shared by those beyond it."""
    return [(name, SERIES[min(at, len(SERIES) - 1)]) for at, name in enumerate(names)]


_ID: Final = re.compile(r' id="([^"]+)"')
_USED: Final = re.compile(r"(?:url\(#|href=\"#)([^)\"]+)")


def _inline(plot: Plot, svg: str) -> str:
    body = svg[svg.index("<svg") :].strip()
    opening, rest = body.split(">", 1)
    box = re.search(r'viewBox="[^"]+"', opening)
    assert box is not None, "matplotlib made no viewBox"
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r"<!--.*?-->", "", rest, flags=re.DOTALL)
    rest = _own_ids(plot.name, rest)
    for role, color in ROLES.items():
        rest = rest.replace(color, f"var(--{role})")
    rest = re.sub(r"(font: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1var(--font)", rest)
    return (
        f'<svg {box[0]} role="img" aria-labelledby="{plot.name}-t {plot.name}-d">'
        f'<title id="{plot.name}-t">{escape(plot.title)}</title>'
        f'<desc id="{plot.name}-d">{escape(plot.text)}</desc>' + re.sub(r">\s+<", "><", rest)
    )


def _own_ids(name: str, svg: str) -> str:
    """Drops the ids that nothing refers to, and makes the others unique on the page."""
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    return _USED.sub(lambda m: m[0].replace(f"#{m[1]}", f"#{name}-{m[1]}"), svg)
