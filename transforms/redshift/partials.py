"""Partials of an aggregate as a table, and the view that merges them.

    agg_<name>  ``_load_id``; the commit that they are of: ``_commit_topic``, ``_commit_topic_id``,
                ``_commit_partition``, ``_commit_seq``; ``_definition``; then the partials' columns:
                the window, the dimensions, ``rows``, ``faults`` and the measures
    <name>      the view: window, dimensions, and each measure merged

SQL can't merge sketches, so ``distinct`` and ``quantiles`` have no column here: the lake's totals
(``merge_totals``) have them, and facts answer such questions, too.

The view counts what ``merge_totals`` counts: the partials of the present definition. The table has
those of others, too, which are to be taken apart by ``_definition``: one that an older definition
lacks is null, and a column that only another one has is left out. As there, every cell is shown:
small ones are hidden where totals are published.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.lake import SegmentCommit
from transforms.redshift.layout import Column, columns_of
from transforms.redshift.raw import LOAD_ID
from transforms.redshift.sql import Statements, literal, quoted
from transforms.redshift.star import Storage

Merge = Literal["sum", "min", "max"]

DEFINITION: Final = "_definition"
#: The columns of the commit and the definition, before those of the partials. No row of a dataset
#: has a field of these names, so that none of its columns, which may be dimensions, can hide one.
COMMIT_FIELDS: Final = (
    pa.field("_commit_topic", pa.string()),
    pa.field("_commit_topic_id", pa.string()),
    pa.field("_commit_partition", pa.int32()),
    pa.field("_commit_seq", pa.int64()),
    pa.field(DEFINITION, pa.string()),
)
_LENGTHS: Final = {"_commit_topic": 249, "_commit_topic_id": 36, DEFINITION: 16}
#: EVEN: a dimension has few values, some of them frequent, so as a DISTKEY it would fill some
#: slices. Sorted by window: what is asked for is a time, and rows come nearly in that order.
_STORAGE: Final = Storage(distribution="EVEN", sort=("window_start",))
#: Redshift has no MIN and MAX of booleans; the least is true if all are.
_OF_BOOLEANS: Final[Mapping[Merge, str]] = {"min": "BOOL_AND", "max": "BOOL_OR"}


@dataclass(frozen=True, kw_only=True)
class PartialsTable:
    """The partials of one aggregate.

    Attributes:
        aggregate: The aggregate's name.
        source: Its name among a commit's small tables.
        topics: The topics whose commits may have its partials.
        schema: The columns that are loaded: keys, then measures.
        keys: The columns of window and dimensions.
        merges: The column of a measure -> how partials of it become one.
        definition: The digest of the definition that the view counts.
        definition_of: Returns the digest of the definition by which partials were made, from their
            schema.
        lengths: Bytes of texts by column, where the default isn't right.
    """

    aggregate: str
    source: str
    topics: Container[str]
    schema: pa.Schema
    keys: tuple[str, ...]
    merges: Mapping[str, Merge]
    definition: str
    definition_of: Callable[[pa.Schema], str]
    lengths: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.file_schema.names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(
                f"the aggregate {self.aggregate} has a column {twice}, as each table of partials",
                "Name its dimension otherwise, by a derived column",
            )

    @property
    def table(self) -> str:
        """The table's name."""
        return f"agg_{self.aggregate}"

    @property
    def file_schema(self) -> pa.Schema:
        """The columns of the files that COPY reads."""
        return pa.schema([*COMMIT_FIELDS, *self.schema])

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in the order in which a new table has them.

        Raises:
            ConfigurationError: Redshift has no type for one; names it.
        """
        return (LOAD_ID, *columns_of(self.file_schema, {**self.lengths, **_LENGTHS}))

    def create(self, statements: Statements) -> str:
        """Returns its CREATE TABLE."""
        columns = ", ".join(f"{quoted(c.name)} {_STORAGE.defined(c)}" for c in self.columns)
        return f"CREATE TABLE {statements.table(self.table)} ({columns}) {_STORAGE.attributes}"

    def view(self) -> str:
        """Returns the query of the view; ``{schema}`` stands for the schema."""
        keys = ", ".join(quoted(name) for name in self.keys)
        measures = "".join(
            f", {self._merged(column)} AS {quoted(column.name)}"
            for column in self.columns
            if column.name in self.merges
        )
        return (
            f"SELECT {keys}{measures} FROM {{schema}}.{quoted(self.table)} "
            f"WHERE {quoted(DEFINITION)} = {literal(self.definition)} GROUP BY {keys}"
        )

    def rows_of(self, commit: SegmentCommit, partials: pa.Table) -> pa.Table:
        """Returns a commit's partials as rows of ``file_schema``, by their columns' names.

        Args:
            commit: The commit.
            partials: All of its partials of the aggregate.

        Raises:
            ConfigurationError: A column has another type than the present definition gives it.
        """
        definition = self.definition_of(partials.schema)
        place = (commit.topic, commit.topic_id, commit.partition, commit.seq, definition)
        count = partials.num_rows
        lineage = [
            pa.repeat(pa.scalar(value, each.type), count)
            for each, value in zip(COMMIT_FIELDS, place, strict=True)
        ]
        own = [self._column(each, partials) for each in self.schema]
        return pa.table([*lineage, *own], schema=self.file_schema)

    def _column(self, wanted: pa.Field, partials: pa.Table) -> pa.ChunkedArray | pa.Array:
        if wanted.name not in partials.column_names:
            return pa.nulls(partials.num_rows, wanted.type)
        found = partials.column(wanted.name)
        if found.type != wanted.type:
            raise ConfigurationError(
                f"the lake has partials of the aggregate {self.aggregate} whose column "
                f"{wanted.name} is {found.type}, and by its definition it is {wanted.type}",
                "Give a changed aggregate a new name",
            )
        return found

    def _merged(self, column: Column) -> str:
        how, name = self.merges[column.name], quoted(column.name)
        if how == "sum":
            # The engines' own types of a sum differ, and so would what a tool makes of the view.
            return f"CAST(SUM({name}) AS {column.type.sql})"
        if column.type.kind == "BOOLEAN":
            return f"{_OF_BOOLEANS[how]}({name})"
        return f"{how.upper()}({name})"
