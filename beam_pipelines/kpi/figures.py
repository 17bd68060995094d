"""Live figures for a terminal: the newest windows, and the cells with most rows in each."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from beam_pipelines.kpi.board import Board, Window
from transforms.errors import RefusedError
from transforms.windows import Pane, pane_of

#: What whoever shows them waits for at most at a time, in seconds.
_CALL_S: Final = 1.0
#: The newest ones may have nothing but hidden cells yet.
WINDOWS: Final = 5
#: What every pane has beside its measures.
_COUNTS: Final = ("rows", "faults")


class Values(Protocol):
    """Where panes come from; see ``TopicFollower``."""

    def read(self, call_s: float) -> Iterator[bytes]:
        """Yields what has come."""


class LiveFigures:
    """The newest windows of what is published.

    Args:
        follow: Begins to read the topic; called again until it can.
        topic: Its name.
        top: How many cells of a window are shown.
        aggregate: The only one that is shown; all by default.
    """

    def __init__(
        self, follow: Callable[[], Values], topic: str, top: int, aggregate: str | None = None
    ) -> None:
        self._follow = follow
        self._values: Values | None = None
        self._topic = topic
        self._top = top
        self._aggregate = aggregate
        self._board = Board(WINDOWS)

    def look(self) -> None:
        """Reads what has come since the last look.

        Raises:
            PipelineError: It can't be read.
        """
        self._values = self._values or self._follow()
        self._board.add(read_panes(self._values.read(_CALL_S), self._topic))

    def line(self) -> str:
        """Returns the newest windows in one line."""
        return "; ".join(_title(window) for window in self._shown()) or "no figures yet"

    def table(self) -> RenderableType:
        """Returns the newest windows with their largest cells."""
        return shown_as(self._shown(), self._top)

    def _shown(self) -> list[Window]:
        return [
            window for window in self._board.newest() if self._aggregate in (None, window.aggregate)
        ]


def read_panes(values: Iterable[bytes], topic: str) -> Iterator[Pane]:
    """Yields the panes that a topic's messages hold.

    Raises:
        RefusedError: One holds something else.
    """
    for value in values:
        try:
            pane = pane_of(value)
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(
                f"the topic {topic} holds a message that is no figure ({type(error).__name__})",
                "Name the topic of kpi.topic",
            ) from None
        yield pane


def shown_as(windows: Iterable[Window], top: int) -> RenderableType:
    """Returns windows as tables: of each the cells with most rows.

    Args:
        windows: In their order.
        top: How many cells of each.
    """
    return Group(*(_table(window, top) for window in windows))


def _table(window: Window, top: int) -> RenderableType:
    panes = [pane for pane in window.panes[:top] if not pane.suppressed]
    if not panes:
        return _title(window)
    shown = Table(box=box.SIMPLE, pad_edge=False)
    measures = [name for name in panes[0].measures if name not in _COUNTS]
    for name in panes[0].dimensions:
        shown.add_column(name, no_wrap=True)
    for name in (*measures, "pane"):
        shown.add_column(name, justify="right", no_wrap=True)
    for pane in panes:
        values = [pane.measures[name] for name in measures]
        shown.add_row(
            *map(str, pane.dimensions.values()),
            *map(_number, values),
            pane.timing.replace("_", " "),
        )
    return Group(_title(window), shown)


def _title(window: Window) -> str:
    hidden = f", {window.hidden:,} hidden" if window.hidden else ""
    same_day = window.start.date() == window.end.date()
    end = f"{window.end:%H:%M}" if same_day else f"{window.end:%Y-%m-%d %H:%M}"
    return (
        f"{window.aggregate} {window.start:%Y-%m-%d %H:%M} to {end}: "
        f"{window.rows:,} rows, {len(window.panes):,} cells{hidden}"
    )


def _number(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
