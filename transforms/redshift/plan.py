"""What is loaded: which dataset goes to which table, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column, ColumnType, columns_of

#: First column of each raw table: which load brought the row.
LOAD_ID: Final = Column("_load_id", ColumnType("BIGINT"))


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A dataset's rows as the lake has them, each once: the load mode ``append``.

    Attributes:
        dataset: The dataset's name.
        topics: The topics whose messages become its rows.
        schema: Its rows as the lake's newest layout has them, lineage first.
        lengths: Bytes of texts by column, where the default isn't right.
    """

    dataset: str
    topics: tuple[str, ...]
    schema: pa.Schema
    lengths: Mapping[str, int] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table's name."""
        return f"raw_{self.dataset}"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in the order in which a new table has them."""
        return (LOAD_ID, *columns_of(self.schema, self.lengths))


@dataclass(frozen=True)
class LoadPlan:
    """All that a warehouse takes from a lake.

    Attributes:
        tables: One a dataset.
    """

    tables: tuple[RawTable, ...]

    def __post_init__(self) -> None:
        names = [each.table for each in self.tables]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"two datasets go to the table {twice}", "Name each once")

    @property
    def topics(self) -> frozenset[str]:
        """The topics whose commits are read."""
        return frozenset(topic for each in self.tables for topic in each.topics)

    def of(self, topic: str) -> list[RawTable]:
        """Returns the tables that a topic's commits feed."""
        return [each for each in self.tables if topic in each.topics]
