"""Small cells are hidden before totals are published.

After the cell size suppression policy of CMS: no cell of 1 to 10 persons may be shown (a threshold
of 11), nor one from which such a cell can be computed; zero may.

Limits. A cell is what the measures count: declare ``distinct`` of the patient where persons matter,
as one person may have many rows. Complementary suppression guards against the published total of a
window over all its cells. It does not guard against subtotals along one dimension, against
aggregates or windows that overlap (hours beside their five minutes), against a small sum over a
large count, or against what the sum of the hidden cells tells of them (two that make two are one
each); who publishes several tables of the same rows must look at them together.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.errors import ConfigurationError
from transforms.windows.spec import Aggregate

SUPPRESSED: Final = "suppressed"
#: The threshold of CMS.
CMS_THRESHOLD: Final = 11

Bools = np.ndarray[Any, np.dtype[np.bool_]]


def suppress(totals: pa.Table, aggregate: Aggregate, below: int) -> pa.Table:
    """Hides small cells of totals.

    Args:
        totals: Ordered by window.
        aggregate: Whose totals they are.
        below: Counts of 1 to ``below - 1`` are small.

    Returns:
        The totals with a column ``suppressed``. A row is suppressed if its rows, a count or a
        distinct is small; where that leaves one suppressed row in a window, so is the next smallest
        of the window. All that it measures is null then; its window and dimensions stay.

    Raises:
        ConfigurationError: The threshold is below 1.
    """
    if below < 1:
        raise ConfigurationError(f"suppress_below must be 1 or more, got {below}", "11 is CMS's")
    hidden = _small(totals, aggregate, below)
    _complement(totals, hidden)
    mask = pa.array(hidden)
    shown = {"window_start", "window_end", *aggregate.dimensions}
    columns = {
        name: totals.column(name) if name in shown else _without(totals.column(name), mask)
        for name in totals.column_names
    }
    return pa.table({**columns, SUPPRESSED: mask}).replace_schema_metadata(totals.schema.metadata)


def counted(aggregate: Aggregate) -> list[str]:
    """Returns the columns of an aggregate's totals that make a cell a small one."""
    kinds = aggregate.measures.items()
    return ["rows", *(name for name, m in kinds if m.kind in ("count", "distinct"))]


def _small(totals: pa.Table, aggregate: Aggregate, below: int) -> Bools:
    hidden = np.zeros(totals.num_rows, bool)
    for name in counted(aggregate):
        values = np.asarray(totals.column(name).fill_null(0).to_numpy())
        hidden |= (values > 0) & (values < below)
    return hidden


def _complement(totals: pa.Table, hidden: Bools) -> None:
    """Hides, where one row of a window is hidden, the smallest other one too."""
    windows = _windows(totals)
    rows = np.asarray(totals.column("rows").to_numpy())
    lone, count = np.unique(windows[hidden], return_counts=True)
    for window in lone[count == 1]:
        first, last = np.searchsorted(windows, (window, window + 1))
        others = first + np.flatnonzero(~hidden[first:last])
        if len(others):
            # The first of equals, in the order of the dimensions: the same at every publication.
            hidden[others[np.argmin(rows[others])]] = True


def _windows(totals: pa.Table) -> np.ndarray[Any, Any]:
    """Returns per row the number of its window, ascending."""
    new = np.zeros(totals.num_rows, bool)
    for name in ("window_start", "window_end"):
        column = totals.column(name)
        micros = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy())
        missing = np.asarray(column.is_null().to_numpy())
        new[1:] |= (np.diff(micros) != 0) | (np.diff(missing.astype(np.int8)) != 0)
    return np.cumsum(new)


def _without(column: pa.ChunkedArray, hidden: pa.Array) -> pa.ChunkedArray:
    return pc.if_else(hidden, pa.scalar(None, column.type), column)
