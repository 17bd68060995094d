"""Exits from the exactly-once path, for everything else that Beam can do.

What leaves here is no longer under the lake's fence: a runner that replays a segment gives its rows
again, and rows may be seen before their segment is committed, or though it never is. Use an exit
for what may be repeated. What must count once belongs behind the lake: read its commits.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection, Row
from apache_beam.typehints.row_type import RowTypeConstraint

from transforms.errors import ConfigurationError
from transforms.segment import Segment


class ToTables(beam.PTransform[PCollection[Segment], PCollection[pa.Table]]):  # type: ignore[misc]
    """Gives out a dataset's rows as Arrow tables, one per segment that has any.

    Guarantees: at least once, in no order between partitions. See the module's text.

    Args:
        dataset: The dataset's name.
    """

    def __init__(self, dataset: str) -> None:
        super().__init__()
        self._dataset = dataset

    def expand(self, segments: PCollection[Segment]) -> PCollection[pa.Table]:
        """Adds one step to the graph."""
        tables: PCollection[pa.Table] = segments | "TakeTables" >> beam.ParDo(
            _TablesFn(self._dataset)
        )
        return tables


class ToRows(beam.PTransform[PCollection[Segment], PCollection[Row]]):  # type: ignore[misc]
    """Gives out a dataset's rows as ``beam.Row``, one by one: far slower than whole tables.

    Guarantees: at least once, in no order between partitions. See the module's text.

    Args:
        dataset: The dataset's name.
        columns: The columns to give out -> their Python types, so that ``GroupBy`` and
            ``SqlTransform`` work. A column may be null where its type says so. The fields have
            their names, but for the underscore that Beam's rows refuse: ``_offset`` becomes
            ``offset``.

    Raises:
        ConfigurationError: Two columns would have one name.
    """

    def __init__(self, dataset: str, columns: Mapping[str, Any]) -> None:
        super().__init__()
        self._dataset = dataset
        self._columns = dict(columns)
        if len({_field(name) for name in columns}) != len(columns):
            raise ConfigurationError(
                f"two of the columns {', '.join(columns)} have one name without the underscore",
                "Take one of them out",
            )

    def expand(self, segments: PCollection[Segment]) -> PCollection[Row]:
        """Adds one step to the graph."""
        fields = [(_field(name), kind) for name, kind in self._columns.items()]
        kind = RowTypeConstraint.from_fields(fields)
        step = beam.ParDo(_RowsFn(self._dataset, list(self._columns))).with_output_types(kind)
        rows: PCollection[Row] = segments | "TakeRows" >> step
        return rows


class _TablesFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, dataset: str) -> None:
        self._dataset = dataset

    def process(self, segment: Segment) -> Iterator[pa.Table]:
        table = segment.rows.get(self._dataset)
        if segment.failure is None and table is not None and table.num_rows:
            yield table


class _RowsFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, dataset: str, columns: list[str]) -> None:
        self._dataset = dataset
        self._columns = columns

    def process(self, segment: Segment) -> Iterator[Row]:
        table = segment.rows.get(self._dataset)
        if segment.failure is None and table is not None:
            chosen = table.select(self._columns)
            renamed = chosen.rename_columns([_field(name) for name in self._columns])
            for batch in renamed.to_batches(max_chunksize=1_000):
                yield from (Row(**row) for row in batch.to_pylist())


def _field(column: str) -> str:
    return column.lstrip("_")
