"""The figures that count, of the newest windows, out of all panes that were published."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from transforms.windows import Pane, latest

#: An aggregate and the width of its windows: those that slide over them are others.
_Kind = tuple[str, timedelta]


@dataclass(frozen=True)
class Window:
    """One window of an aggregate.

    Attributes:
        panes: Its cells, those with most rows first, the hidden ones last.
    """

    panes: tuple[Pane, ...]

    @property
    def aggregate(self) -> str:
        """The aggregate's name."""
        return self.panes[0].aggregate

    @property
    def start(self) -> datetime:
        """Where it begins."""
        return self.panes[0].window_start

    @property
    def end(self) -> datetime:
        """Where it ends, exclusive."""
        return self.panes[0].window_end

    @property
    def rows(self) -> int:
        """Rows that were counted in the cells that are shown."""
        return sum(_rows(pane) for pane in self.panes)

    @property
    def hidden(self) -> int:
        """How many cells are hidden, being small or next to a small one."""
        return sum(pane.suppressed for pane in self.panes)


class Board:
    """Keeps the panes that count.

    A lake that was begun anew, or an aggregate that was declared anew, replaces what was there.

    Args:
        windows: How many of the newest windows of a kind are kept; all by default.
    """

    def __init__(self, windows: int | None = None) -> None:
        self._windows = windows
        self._held: dict[bytes, Pane] = {}
        self._series: dict[str, tuple[str, str]] = {}

    def add(self, panes: Iterable[Pane]) -> None:
        """Adds panes, in the order in which they came."""
        added = list(panes)
        self._series |= {pane.aggregate: _series(pane) for pane in added}
        self._held = {
            key: pane
            for key, pane in latest([*self._held.values(), *added]).items()
            if _series(pane) == self._series[pane.aggregate]
        }
        self._forget()

    def panes(self) -> list[Pane]:
        """Returns the panes that count, by aggregate and window."""
        return sorted(
            self._held.values(), key=lambda p: (p.aggregate, p.window_start, p.window_end, p.key)
        )

    def newest(self) -> list[Window]:
        """Returns the newest window of each kind, by aggregate and width.

        Of windows whose cells are all hidden the newest, only where there is no other: one that
        has just begun has nothing to show.
        """
        found: dict[_Kind, list[Pane]] = {}
        shown = self._starts(shown=True)
        newest = {kind: max(shown.get(kind, starts)) for kind, starts in self._starts().items()}
        for pane in self._held.values():
            if pane.window_start == newest[_kind(pane)]:
                found.setdefault(_kind(pane), []).append(pane)
        return [
            Window(tuple(sorted(panes, key=lambda p: (-_rows(p), p.suppressed, p.key))))
            for _, panes in sorted(found.items())
        ]

    def _forget(self) -> None:
        # Without a number all are kept: a list from 0 on is the whole list.
        kept = {
            kind: frozenset(sorted(starts)[-(self._windows or 0) :])
            for kind, starts in self._starts().items()
        }
        self._held = {
            key: pane for key, pane in self._held.items() if pane.window_start in kept[_kind(pane)]
        }

    def _starts(self, *, shown: bool = False) -> dict[_Kind, set[datetime]]:
        starts: dict[_Kind, set[datetime]] = {}
        for pane in self._held.values():
            if not (shown and pane.suppressed):
                starts.setdefault(_kind(pane), set()).add(pane.window_start)
        return starts


def _kind(pane: Pane) -> _Kind:
    return pane.aggregate, pane.window_end - pane.window_start


def _series(pane: Pane) -> tuple[str, str]:
    return pane.lake, pane.definition


def _rows(pane: Pane) -> int:
    return 0 if pane.suppressed else int(pane.measures["rows"])
