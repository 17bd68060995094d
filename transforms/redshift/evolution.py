"""How a table that is there grows: new columns at its end, wider texts, and nothing else."""

from collections.abc import Iterator, Sequence

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.step import Step


def evolve(
    table: str,
    wanted: Sequence[Column],
    there: Sequence[Column],
    statements: Statements,
    remedy: str,
) -> Iterator[Step]:
    """Yields the steps that give a table the columns it should have.

    Args:
        table: Its name.
        wanted: The columns that it should have.
        there: Those that it has; more than are wanted may stay.
        statements: Of the schema.
        remedy: What to do about a change that can't be done in place.

    Raises:
        ConfigurationError: A column has a type that doesn't hold the wanted one.
    """
    found = {column.name: column for column in there}
    name = statements.table(table)
    for column in wanted:
        has = found.get(column.name)
        if has is None:
            add = f"ALTER TABLE {name} ADD COLUMN {quoted(column.name)} {column.type.sql}"
            yield Step(version=f"{table}.{column.name} added", statements=(add,))
        elif not has.type.holds(column.type):
            yield _widened(table, has, column, name, remedy)


def _widened(table: str, has: Column, wanted: Column, name: str, remedy: str) -> Step:
    if has.type.kind != "VARCHAR" or wanted.type.kind != "VARCHAR":
        raise ConfigurationError(
            f"the column {table}.{wanted.name} is {has.type.sql} and should be "
            f"{wanted.type.sql}, which can't be done in place",
            remedy,
        )
    change = f"ALTER TABLE {name} ALTER COLUMN {quoted(wanted.name)} TYPE {wanted.type.sql}"
    return Step(
        version=f"{table}.{wanted.name} widened to {wanted.type.length}",
        statements=(change,),
        in_transaction=False,  # Redshift refuses it within one; twice, it changes nothing.
    )
