"""Load modes: how the rows of a staging table become rows of their table.

``append`` is the one there is; ``upsert`` and ``scd2`` will be functions beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.errors import WarehouseError
from transforms.redshift.client import Session
from transforms.redshift.layout import Column
from transforms.redshift.sql import Statements


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A staging table that COPY has filled.

    Attributes:
        name: The staging table's.
        table: Where its rows go.
        columns: Its columns, those of the files.
        rows: How many rows it has.
        load_id: The load.
    """

    name: str
    table: str
    columns: Sequence[Column]
    rows: int
    load_id: int


def append(session: Session, statements: Statements, staged: Staged) -> int:
    """Adds all rows; returns how many.

    Raises:
        WarehouseError: Another number of rows arrived than was staged.
    """
    found = session.execute(
        statements.append(staged.table, staged.name, staged.columns, staged.load_id)
    )
    if found != staged.rows:
        raise WarehouseError(
            f"{found} rows of {staged.rows} went from staging into {staged.table}",
            "The load was rolled back; report it, it is a bug",
        )
    return found
