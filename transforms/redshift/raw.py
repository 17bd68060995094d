"""Raw tables: a dataset's rows as the lake has them, each once."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import pyarrow as pa

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
    topics: Container[str]
    schema: pa.Schema
    lengths: Mapping[str, int] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table's name."""
        return f"raw_{self.dataset}"

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in the order in which a new table has them."""
        return (LOAD_ID, *columns_of(self.schema, self.lengths))
