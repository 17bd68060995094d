"""How a table that is there grows: new columns at its end, wider texts, and nothing else.

Anything else takes a migration by hand, which is named: what a column means to those who ask it,
and whether what is not yet loaded still fits, nobody can tell from types.
"""

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
        remedy: What to do about a change that can't be done in place: ``{table}``, ``{old}``,
            ``{new}`` and ``{type}`` stand for the table, the column, another name for it and the
            type that it should have.

    Raises:
        ConfigurationError: A column has a type that doesn't hold the wanted one.
    """
    found = {column.name: column for column in there}
    name = statements.table(table)
    for column in wanted:
        has = found.get(column.name)
        if has is None:
            add = f"ALTER TABLE {name} ADD COLUMN {quoted(column.name)} {column.type.sql}"
            # Under the lock of loads, which would meet a change of their table halfway.
            lock = statements.lock()
            yield Step(version=f"{table}.{column.name} added", statements=(lock, add))
        elif not has.type.holds(column.type):
            yield _widened(table, has, column, name, remedy)


def check_kept(
    table: str, wanted: Sequence[Column], there: Sequence[Column], statements: Statements
) -> None:
    """Refuses to go on with a table that has a column which its rows have no more.

    Args:
        table: Its name.
        wanted: The columns of its rows.
        there: Those that it has. Columns of ours, which begin with an underscore, may stay.
        statements: Of the schema.

    Raises:
        ConfigurationError: Names the column and the migration to write.
    """
    names = {column.name for column in wanted}
    gone = (c.name for c in there if c.name not in names and not c.name.startswith("_"))
    name = next(gone, None)
    if name is not None:
        drop = f"ALTER TABLE {statements.table(table)} DROP COLUMN {quoted(name)}"
        raise ConfigurationError(
            f"the table {table} has a column {name}, and its rows have none any more: it was "
            "dropped, renamed or masked away",
            "Keep the field, nullable, and give a renamed one a column of its own; or, once all "
            f"that is committed is loaded, run this and migrate again: {drop}",
        )


def _widened(table: str, has: Column, wanted: Column, name: str, remedy: str) -> Step:
    if has.type.kind != "VARCHAR" or wanted.type.kind != "VARCHAR":
        raise ConfigurationError(
            f"the column {table}.{wanted.name} is {has.type.sql} and should be "
            f"{wanted.type.sql}, which can't be done in place",
            remedy.format(
                table=name,
                old=quoted(wanted.name),
                new=quoted(f"{wanted.name}_new"),
                type=wanted.type.sql,
            ),
        )
    change = f"ALTER TABLE {name} ALTER COLUMN {quoted(wanted.name)} TYPE {wanted.type.sql}"
    return Step(
        version=f"{table}.{wanted.name} widened to {wanted.type.length}",
        statements=(change,),
        in_transaction=False,  # Redshift refuses it within one; twice, it changes nothing.
    )
