"""A pane: what a window's cell counts so far, as it is published; and which of them is the latest.

A cell is published again and again as rows come in, and once more after a runner began again at an
earlier checkpoint, or without any state. Its panes may come twice, and an older one after a newer.
So each has a **version**: the rows that were counted in what was published together, which is the
cell or, where small cells are hidden, its window. Of the panes with one key that with the greatest
version counts; of equal ones the one that came last.

Why that is right: a pane counts a set of commits, a beginning of each partition's chain, and each
commit that adds to a cell adds a row to it at least. So of two panes of which one counts all that
the other does, the one that counts more has the greater version, whichever run fired it, and the
one that counts all has the greatest of all. Two that count as many rows, but others, are both
incomplete, and are both overtaken. Numbers of panes, or times, would not do: a run that begins
again counts its panes anew, from another moment on.

* After a restore: panes that were fired after the checkpoint come again, cut otherwise. They do not
  count until they have overtaken what was there, and then they do.
* After a start without state, from the genesis: likewise, for all windows.
* After a start without state, from a time: the same for windows that start then or later. No older
  window is published, for its panes would not be complete; those that were published stay.

The topic may be compacted if compaction lags behind (``min.compaction.lag.ms``) for longer than
catching up takes: it keeps what came last, and that is the greatest version again by then. A lake
that is begun anew, or an aggregate that is declared anew, has keys of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

import orjson

Timing = Literal["early", "on_time", "late"]

_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


@dataclass(frozen=True, kw_only=True)
class Pane:
    """One cell of one window, as it is published.

    Attributes:
        lake: Id of the lake whose commits are counted.
        definition: Tells declarations of the aggregate, and types of what it reads, apart.
        aggregate: Its name.
        window_start: Where the window begins.
        window_end: Where it ends, exclusive.
        dimensions: By name. Decimals and times are texts.
        measures: ``rows``, ``faults`` and the columns of the totals; decimals and times are texts.
            All of them are None where the cell is hidden.
        suppressed: Whether it is hidden, being small or next to a small one.
        index: Number of the window's firing, as the runner counts; begins again with its state.
        timing: ``early`` before the watermark has passed the window's end, ``on_time`` then,
            ``late`` after that.
        is_last: Whether no other will follow in this run.
        version: Which one counts: see the module.
    """

    lake: str
    definition: str
    aggregate: str
    window_start: datetime
    window_end: datetime
    dimensions: Mapping[str, Any]
    measures: Mapping[str, Any]
    suppressed: bool = False
    index: int
    timing: Timing
    is_last: bool
    version: int

    @property
    def key(self) -> bytes:
        """The message's key, canonical JSON: panes with the same one replace each other."""
        return orjson.dumps(
            {
                "aggregate": self.aggregate,
                "definition": self.definition,
                "dimensions": self.dimensions,
                "lake": self.lake,
                "window": [self.window_start, self.window_end],
            },
            option=_CANONICAL,
        )

    def to_bytes(self) -> bytes:
        """Returns the message's value, JSON."""
        return orjson.dumps(asdict(self), option=_CANONICAL)


def pane_of(value: bytes) -> Pane:
    """Returns the pane that a message's value holds."""
    held = orjson.loads(value)
    times = {name: datetime.fromisoformat(held[name]) for name in ("window_start", "window_end")}
    return Pane(**{**held, **times})


def latest(panes: Iterable[Pane]) -> dict[bytes, Pane]:
    """Returns the panes that count, by key.

    Args:
        panes: In any order, any of them any number of times.
    """
    found: dict[bytes, Pane] = {}
    for pane in panes:
        key = pane.key
        if key not in found or pane.version >= found[key].version:
            found[key] = pane
    return found


def plain(value: Any) -> Any:
    """Returns a value as JSON has it: exact numbers and times as texts, bytes as hexadecimal."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value
