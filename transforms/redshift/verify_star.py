"""The proof of dimensions and facts: they are what their definitions give on the raw tables.

The raw tables are proven against the lake by sets of offsets (``transforms.redshift.verify``), so
together the two prove each table by its keys and versions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms.lake.verify import Breach
from transforms.redshift.client import Session
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.star.table import StarTable


@dataclass(frozen=True, kw_only=True)
class StarProof:
    """What was found of one dimension or fact.

    Attributes:
        table: Its name.
        keys: How many keys it has.
        rows: How many rows: versions, where it keeps a history.
        breaches: Where it isn't what the raw tables give.
    """

    table: str
    keys: int
    rows: int
    breaches: tuple[Breach, ...]

    def __str__(self) -> str:
        return f"{self.table}: {self.rows:,} rows of {self.keys:,} keys"


def verify_star(
    session: Session, statements: Statements, tables: Sequence[StarTable]
) -> Iterator[StarProof]:
    """Compares each table with its definition, whole rows both ways.

    Args:
        session: In a transaction: raw tables and star must be of one moment.
        statements: Of the schema.
        tables: The dimensions and facts.
    """
    for each in tables:
        name, key = statements.table(each.table), quoted(each.key)
        found = session.query(f"SELECT COUNT(DISTINCT {key}), COUNT(*) FROM {name}")
        keys, rows = (int(number) for number in found[0])
        yield StarProof(
            table=each.table,
            keys=keys,
            rows=rows,
            breaches=tuple(_breaches(session, statements, each)),
        )


def _breaches(session: Session, statements: Statements, table: StarTable) -> Iterator[Breach]:
    # Which load made a row isn't part of what it says.
    names = ", ".join(quoted(column.name) for column in table.columns[1:])
    there = f"SELECT {names} FROM {statements.table(table.table)}"
    wanted = f"SELECT {names} FROM ({_named(table, statements)}) w"
    for what, left, right in (
        ("rows are missing that the raw tables tell of", wanted, there),
        ("rows are there that the raw tables don't tell of", there, wanted),
    ):
        count = int(session.query(f"SELECT COUNT(*) FROM (({left}) EXCEPT ({right})) x")[0][0])
        if count:
            yield _breach(table, f"{count:,} {what}")
    # EXCEPT compares sets, so a row that is there twice is looked for apart.
    twice = (
        f"SELECT {names} FROM {statements.table(table.table)} GROUP BY {names} HAVING COUNT(*) > 1"
    )
    count = int(session.query(f"SELECT COUNT(*) FROM ({twice}) x")[0][0])
    if count:
        yield _breach(table, f"{count:,} rows are there twice")


def _named(table: StarTable, statements: Statements) -> str:
    """Returns the definition's query with the names of the table's columns."""
    names = ", ".join(quoted(column.name) for column in table.columns)
    return f"WITH defined({names}) AS ({table.rows(statements, 0, None)}) SELECT * FROM defined"


def _breach(table: StarTable, what: str) -> Breach:
    return Breach(rule="warehouse", what=f"{table.table}: {what}", chain="", offsets=None)
