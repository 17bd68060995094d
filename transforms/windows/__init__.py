"""Window partials: rows counted by window and dimensions, mergeable to totals."""

from transforms.windows.merging import merge
from transforms.windows.pane import Pane, latest, pane_of
from transforms.windows.pane_settings import PaneSettings, Sliding
from transforms.windows.panes import FirePanes
from transforms.windows.partials import AggregateWindows
from transforms.windows.spec import Aggregate, Measure, aggregate_of, definition_of
from transforms.windows.suppression import CMS_THRESHOLD, suppress
from transforms.windows.totals import merge_committed, merge_totals, read_totals

__all__ = [
    "CMS_THRESHOLD",
    "Aggregate",
    "AggregateWindows",
    "FirePanes",
    "Measure",
    "Pane",
    "PaneSettings",
    "Sliding",
    "aggregate_of",
    "definition_of",
    "latest",
    "merge",
    "merge_committed",
    "merge_totals",
    "pane_of",
    "read_totals",
    "suppress",
]
