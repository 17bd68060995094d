"""Window partials: rows counted by window and dimensions, mergeable to totals."""

from transforms.windows.merging import merge
from transforms.windows.partials import AggregateWindows
from transforms.windows.spec import Aggregate, Measure, aggregate_of, definition_of
from transforms.windows.suppression import CMS_THRESHOLD, suppress
from transforms.windows.totals import merge_committed, merge_totals, read_totals

__all__ = [
    "CMS_THRESHOLD",
    "Aggregate",
    "AggregateWindows",
    "Measure",
    "aggregate_of",
    "definition_of",
    "merge",
    "merge_committed",
    "merge_totals",
    "read_totals",
    "suppress",
]
