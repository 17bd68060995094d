"""The step of a load that brings dimensions and facts up to date, in the load's transaction."""

from collections.abc import Mapping, Sequence

from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.star.table import StarTable


def rebuild(
    session: Session,
    statements: sql.Statements,
    tables: Sequence[StarTable],
    loaded: Mapping[str, int],
    load_id: int,
) -> dict[str, int]:
    """Rebuilds the rows of all keys that a load touched.

    Args:
        session: In the load's transaction, after its raw rows were added.
        statements: Of the schema.
        tables: Dimensions before the facts that are bound to them.
        loaded: Raw table -> rows that the load brought.
        load_id: The load's number.

    Returns:
        Table -> rows that were made anew, of those that the load may have touched.
    """
    made: dict[str, int] = {}
    for each in tables:
        if not any(loaded.get(source.table) for source in each.sources):
            continue
        touched = f"touched_{each.table}"
        session.execute(sql.create_filled(touched, each.touched(statements, load_id)))
        session.execute(each.delete(statements, sql.quoted(touched)))
        insert = each.insert(statements, load_id, sql.quoted(touched))
        made[each.table] = session.execute(insert)
        session.execute(sql.drop_staging(touched))
    return made
