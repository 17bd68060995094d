"""The tables of the loader and of the raw rows, and how they come to be and grow.

What is to be done follows from the tables as they are, so a migration may end anywhere and be run
again. Each step is recorded in ``schema_history`` in the transaction that makes it. A step that
Redshift runs outside of transactions only, the widening of a VARCHAR, is recorded before it: a
migration that ends between the two leaves a record of what the next one records and does.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.evolution import check_kept, evolve
from transforms.redshift.layout import Column, catalog_column
from transforms.redshift.partials import PartialsTable
from transforms.redshift.plan import LoadPlan
from transforms.redshift.raw import RawTable
from transforms.redshift.star.steps import star_steps
from transforms.redshift.step import Step
from transforms.redshift.views import view_steps

Catalog = Mapping[str, Sequence[Column]]

#: The loader's own tables, by version. A version that was released is never changed: add one.
#: DISTSTYLE ALL: small, and each node then updates and joins its own copy.
LOADER: Final[Sequence[tuple[str, str, str]]] = (
    (
        "0000",
        "schema_history",
        "(version VARCHAR(255) NOT NULL, sql_sha256 VARCHAR(64) NOT NULL, applied_at TIMESTAMP NOT "
        "NULL) DISTSTYLE ALL",
    ),
    (
        "0001",
        "load_lock",
        "(warehouse_id VARCHAR(36) NOT NULL) DISTSTYLE ALL",
    ),
    (
        "0002",
        "load_fences",
        "(lake_id VARCHAR(36) NOT NULL, topic VARCHAR(249) NOT NULL, topic_id VARCHAR(36) NOT "
        "NULL, partition_number INTEGER NOT NULL, table_name VARCHAR(127) NOT NULL, fence BIGINT "
        "NOT NULL, seq BIGINT NOT NULL, commit_sha256 VARCHAR(64) NOT NULL) DISTSTYLE ALL",
    ),
    (
        "0003",
        "load_history",
        "(load_id BIGINT NOT NULL, lake_id VARCHAR(36) NOT NULL, table_name VARCHAR(127) NOT NULL, "
        "loader VARCHAR(255) NOT NULL, commits INTEGER NOT NULL, files INTEGER NOT NULL, bytes "
        "BIGINT NOT NULL, rows_accepted BIGINT NOT NULL, rows_loaded BIGINT NOT NULL, "
        "rows_rejected BIGINT NOT NULL, oldest_broker_time TIMESTAMP, newest_broker_time "
        "TIMESTAMP, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP NOT NULL, fences_sha256 "
        "VARCHAR(64) NOT NULL) "
        "DISTSTYLE ALL SORTKEY (load_id)",
    ),
    (
        "0004",
        "load_rejects",
        "(load_id BIGINT NOT NULL, lake_id VARCHAR(36) NOT NULL, table_name VARCHAR(127) NOT NULL, "
        "topic VARCHAR(249) NOT NULL, topic_id VARCHAR(36) NOT NULL, partition_number INTEGER NOT "
        "NULL, row_offset BIGINT NOT NULL, row_number INTEGER NOT NULL, reason VARCHAR(255) NOT "
        "NULL, file_key VARCHAR(2048) NOT NULL, rejected_at TIMESTAMP NOT NULL) "
        "DISTSTYLE EVEN SORTKEY (load_id)",
    ),
    (
        "0005",
        "load_definitions",
        "(table_name VARCHAR(127) NOT NULL, definition_sha256 VARCHAR(64) NOT NULL) DISTSTYLE ALL",
    ),
)
_REMEDY: Final = (
    "Keep the field's type; or, once all that is committed is loaded, run this and migrate again: "
    "ALTER TABLE {table} ADD COLUMN {new} {type}; "
    "UPDATE {table} SET {new} = CAST({old} AS {type}); "
    "ALTER TABLE {table} DROP COLUMN {old}; "
    "ALTER TABLE {table} RENAME COLUMN {new} TO {old}"
)
_PARTIALS_REMEDY: Final = "Give a changed aggregate a new name"


def read_catalog(session: Session, statements: sql.Statements) -> dict[str, list[Column]]:
    """Returns the columns of all tables of the schema, in order."""
    tables: dict[str, list[Column]] = {}
    for table, *described in session.query(statements.columns(), [statements.schema]):
        tables.setdefault(str(table), []).append(catalog_column(*described))
    return tables


def read_definitions(
    session: Session, statements: sql.Statements, catalog: Catalog
) -> dict[str, str]:
    """Returns by which definition each dimension, fact and view was made last."""
    if "load_definitions" not in catalog:
        return {}
    return {str(table): str(digest) for table, digest in session.query(statements.definitions())}


def pending(
    catalog: Catalog,
    plan: LoadPlan,
    statements: sql.Statements,
    definitions: Mapping[str, str] | None = None,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> list[Step]:
    """Returns the steps that lead from a schema as it is to the one that a plan needs.

    Args:
        catalog: The tables as they are.
        plan: What is to be loaded.
        statements: Of the schema.
        definitions: By which dimensions and facts are filled, and views made.
        new_id: Draws the warehouse's id.

    Raises:
        ConfigurationError: A column has another type or is gone: that takes a migration written by
            hand.
    """
    steps = list(_loader_steps(catalog, statements, new_id))
    for table in plan.tables:
        there = catalog.get(table.table)
        if there is None:
            steps.append(_create(table, statements))
        else:
            check_kept(table.table, table.columns, there, statements)
            steps += evolve(table.table, table.columns, there, statements, _REMEDY)
    for each in plan.partials:
        steps += _partials_steps(each, catalog, statements)
    known = definitions or {}
    steps += star_steps(catalog, plan.star, statements, known)
    return [*steps, *view_steps(catalog, plan.views, statements, known)]


def migrate(
    session: Session,
    plan: LoadPlan,
    statements: sql.Statements,
    *,
    dry_run: bool = False,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> list[Step]:
    """Brings a schema up to date; safe to repeat, and to break off anywhere.

    Args:
        session: Of a user who may create tables in the database.
        plan: What is to be loaded.
        statements: Of the schema.
        dry_run: Only finds out what is to be done.
        new_id: Draws the warehouse's id.

    Returns:
        The steps, done or to be done.
    """
    catalog = read_catalog(session, statements)
    definitions = read_definitions(session, statements, catalog)
    steps = pending(catalog, plan, statements, definitions, new_id)
    for step in () if dry_run else steps:
        _apply(session, step, statements)
    return steps


def script(step: Step, statements: sql.Statements) -> list[str]:
    """Returns all that a step sends, in order."""
    history = statements.table("schema_history")
    record = (
        f"INSERT INTO {history} (version, sql_sha256, applied_at) VALUES "
        f"({sql.literal(step.version)}, {sql.literal(step.sha256)}, GETDATE())"
    )
    if not step.in_transaction:
        return [*([record] if step.recorded else []), *step.statements]
    # One migration at a time; a second one finds the table there, and fails harmlessly.
    return [sql.BEGIN, f"LOCK {history}", *step.statements, record, sql.COMMIT]


def _apply(session: Session, step: Step, statements: sql.Statements) -> None:
    try:
        for statement in script(step, statements):
            session.execute(statement)
    except BaseException:
        session.abandon()
        raise


def _loader_steps(
    catalog: Catalog, statements: sql.Statements, new_id: Callable[[], str]
) -> Iterator[Step]:
    for version, table, definition in LOADER:
        if table in catalog:
            continue
        name = statements.table(table)
        is_history = table == "schema_history"
        made = [f"CREATE TABLE {name} {definition}"]
        if is_history:
            made.insert(0, f"CREATE SCHEMA IF NOT EXISTS {sql.quoted(statements.schema)}")
        if table == "load_lock":
            # Its one row names the warehouse, and is never changed.
            made.append(f"INSERT INTO {name} VALUES ({sql.literal(new_id())})")
        yield Step(
            version=f"{version} {table}",
            statements=tuple(made),
            in_transaction=not is_history,
            recorded=not is_history,
        )


def _create(table: RawTable, statements: sql.Statements) -> Step:
    # EVEN: nothing joins raw tables, so all that counts is that each slice has its share. Sorted by
    # load: rows come so, it needs no VACUUM, and "what came since" reads the end only.
    first, *others = table.columns
    made = (
        f"CREATE TABLE {statements.table(table.table)} ({first.name} {first.type.sql} NOT NULL, "
        f"{sql.defined(others)}) DISTSTYLE EVEN SORTKEY ({first.name})"
    )
    return Step(version=f"{table.table} created", statements=(made,))


def _partials_steps(
    table: PartialsTable, catalog: Catalog, statements: sql.Statements
) -> Iterator[Step]:
    there = catalog.get(table.table)
    if there is None:
        yield Step(version=f"{table.table} created", statements=(table.create(statements),))
    else:
        yield from evolve(table.table, table.columns, there, statements, _PARTIALS_REMEDY)
