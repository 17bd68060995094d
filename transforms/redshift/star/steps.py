"""How dimensions and facts come to be and change: made, and filled, from the raw tables."""

from collections.abc import Iterator, Mapping, Sequence

from transforms.redshift.client import Session
from transforms.redshift.evolution import evolve
from transforms.redshift.layout import Column
from transforms.redshift.sql import HISTORY_COLUMNS, Statements, literal
from transforms.redshift.star.table import StarTable
from transforms.redshift.step import Step


def star_steps(
    catalog: Mapping[str, Sequence[Column]],
    tables: Sequence[StarTable],
    statements: Statements,
    definitions: Mapping[str, str],
) -> Iterator[Step]:
    """Yields the steps that make tables what their definitions say.

    Args:
        catalog: The tables as they are.
        tables: Dimensions before facts.
        statements: Of the schema.
        definitions: Table -> digest of the definition by which it was filled.

    Raises:
        ConfigurationError: A column's type can't be changed in place.
    """
    for each in tables:
        digest = each.definition()
        version = f"{each.table} filled {digest[:12]}"
        there = catalog.get(each.table)
        if there is None:
            made = (statements.lock(), each.create(statements))
            yield Step(version=version, statements=(*made, *filled(each, statements)))
            continue
        remedy = f"Drop {each.table} and migrate again: it is made anew from the raw tables"
        yield from evolve(each.table, each.columns, there, statements, remedy)
        if definitions.get(each.table) != digest:
            emptied = (statements.lock(), f"DELETE FROM {statements.table(each.table)}")
            yield Step(version=version, statements=(*emptied, *filled(each, statements)))


def refill(
    session: Session, statements: Statements, tables: Sequence[StarTable], name: str
) -> None:
    """Makes a dimension or fact anew from the raw tables, and the facts that are bound to it.

    Args:
        session: Where; a load that runs is waited for.
        statements: Of the schema.
        tables: All of the star.
        name: The table.
    """
    anew = [each for each in tables if name in (each.table, *each.bound_to)]
    with session.transaction():
        session.execute(statements.lock())
        for each in anew:
            session.execute(f"DELETE FROM {statements.table(each.table)}")
            for statement in filled(each, statements):
                session.execute(statement)


def filled(table: StarTable, statements: Statements) -> list[str]:
    """Returns the statements that fill an empty table, and put it on record as load 0."""
    name = literal(table.table)
    where = f"WHERE table_name = {name}"
    history = statements.table("load_history")
    lake = f"SELECT COALESCE(MAX(lake_id), '') FROM {statements.table('load_fences')}"
    return [
        table.insert(statements, 0, None),
        f"DELETE FROM {history} {where}",
        f"INSERT INTO {history} ({', '.join(HISTORY_COLUMNS)}) SELECT 0, ({lake}), {name}, "
        f"'migrate', 0, 0, 0, COUNT(*), COUNT(*), 0, CAST(NULL AS TIMESTAMP), "
        f"CAST(NULL AS TIMESTAMP), GETDATE(), GETDATE(), '' FROM {statements.table(table.table)}",
        *statements.define(table.table, table.definition()),
    ]
