"""The tables of partials, from the aggregates that the lake's commits hold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from transforms.redshift import PartialsTable, RawTable
from transforms.redshift.partials import Merge
from transforms.windows import Aggregate, AggregateWindows, definition_of
from transforms.windows.spec import Kind

#: How SQL merges each kind of measure; it can't merge sketches.
_MERGES: Final[Mapping[Kind, Merge]] = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}


def partials_tables(
    aggregates: Sequence[AggregateWindows], raws: Mapping[str, RawTable]
) -> Iterator[PartialsTable]:
    """Yields one table an aggregate.

    Args:
        aggregates: Those that the sink derives.
        raws: Dataset -> its raw table, whose rows are counted.

    Raises:
        ConfigurationError: Redshift has no type for a column, or it is there twice.
    """
    for each in aggregates:
        raw = raws[each.aggregate.dataset]
        found = each.partials_schema(raw.schema)
        keys = ("window_start", "window_end", *each.aggregate.dimensions)
        merges = _merges(each.aggregate)
        yield PartialsTable(
            aggregate=each.aggregate.name,
            source=each.name,
            topics=raw.topics,
            schema=pa.schema([found.field(name) for name in (*keys, *merges)]),
            keys=keys,
            merges=merges,
            definition=each.aggregate.digest,
            definition_of=definition_of,
            lengths=raw.lengths,
        )


def _merges(aggregate: Aggregate) -> dict[str, Merge]:
    measured = {name: each.kind for name, each in aggregate.measures.items()}
    return {
        "rows": "sum",
        "faults": "sum",
        **{name: _MERGES[kind] for name, kind in measured.items() if kind in _MERGES},
    }
