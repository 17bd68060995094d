"""COPY into a staging table, and from there into the table that the rows are for."""

from collections.abc import Sequence
from typing import Final

from transforms.errors import WarehouseError
from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.layout import Column
from transforms.redshift.sql import Statements

#: The staging table; one at a time, so one name will do.
STAGING: Final = "load_staging"


def fill_staging(session: Session, columns: Sequence[Column], address: str, role: str) -> None:
    """Makes the staging table and loads a manifest's files into it.

    Args:
        session: In a transaction.
        columns: Those of the files.
        address: ``s3://`` address of the manifest.
        role: By which COPY reads the lake.

    Raises:
        CopyDataError: COPY refuses rows.
    """
    session.execute(sql.create_staging(STAGING, columns))
    session.execute(sql.copy(STAGING, address, role, columns))


def append_staged(
    session: Session,
    statements: Statements,
    table: str,
    columns: Sequence[Column],
    *,
    rows: int,
    load_id: int,
) -> int:
    """Adds all rows of the staging table to a table, and drops it; returns how many.

    Args:
        session: Right after the COPY.
        statements: Of the schema.
        table: Where the rows go.
        columns: Those of the staging table.
        rows: How many rows there must be.
        load_id: The load.

    Raises:
        WarehouseError: COPY brought another number of rows, or not all of them arrived.
    """
    copied = int(session.query(sql.COPIED)[0][0])
    if copied != rows:
        raise WarehouseError(
            f"COPY brought {copied} rows for {table}, and the commits name {rows}",
            "Prove the lake: python -m beam_pipelines.verify",
        )
    found = session.execute(statements.append(table, STAGING, columns, load_id))
    if found != rows:
        raise WarehouseError(
            f"{found} rows of {rows} went from staging into {table}",
            "The load was rolled back; report it, it is a bug",
        )
    session.execute(sql.drop_staging(STAGING))
    return found
