"""Window partials: rows counted by window and dimensions, mergeable to totals."""

from transforms.windows.partials import AggregateWindows
from transforms.windows.spec import Aggregate, Measure

__all__ = ["Aggregate", "AggregateWindows", "Measure"]
