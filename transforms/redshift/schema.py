"""The tables of the loader and of the raw rows, and how they come to be and grow.

Each step is recorded in ``schema_history`` in the transaction that makes it. A step that Redshift
runs outside of transactions only, the widening of a VARCHAR, is recorded after it: run twice it
changes nothing. So a migration may end anywhere and be run again.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.evolution import evolve
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
_REMEDY: Final = "Write a migration that makes the table anew, or keep the field's type"
_PARTIALS_REMEDY: Final = "Give a changed aggregate a new name"
_HISTORY: Final = (
    "(version VARCHAR(255) NOT NULL, sql_sha256 VARCHAR(64) NOT NULL, applied_at TIMESTAMP NOT "
    "NULL) DISTSTYLE ALL"
)


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
) -> list[Step]:
    """Returns the steps that lead from a schema as it is to the one that a plan needs.

    Args:
        catalog: The tables as they are.
        plan: What is to be loaded.
        statements: Of the schema.
        definitions: By which dimensions and facts are filled, and views made.

    Raises:
        ConfigurationError: A column has another type: that takes a migration written by hand.
    """
    steps = list(_loader_steps(catalog, statements))
    for table in plan.tables:
        there = catalog.get(table.table)
        if there is None:
            steps.append(_create(table, statements))
        else:
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
    steps = pending(catalog, plan, statements, definitions)
    if dry_run:
        return steps
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {sql.quoted(statements.schema)}")
    history = statements.table("schema_history")
    session.execute(f"CREATE TABLE IF NOT EXISTS {history} {_HISTORY}")
    for step in steps:
        _apply(session, step, statements)
    _name(session, statements, new_id)
    return steps


def _apply(session: Session, step: Step, statements: sql.Statements) -> None:
    record = statements.insert("schema_history", ("version", "sql_sha256", "applied_at"), 1)
    record = record.replace("%s)", "GETDATE())")
    if not step.in_transaction:
        for statement in step.statements:
            session.execute(statement)
        session.execute(record, [step.version, step.sha256])
        return
    with session.transaction():
        # One migration at a time; a second one finds the table there, and fails harmlessly.
        session.execute(f"LOCK {statements.table('schema_history')}")
        for statement in step.statements:
            session.execute(statement)
        session.execute(record, [step.version, step.sha256])


def _name(session: Session, statements: sql.Statements, new_id: Callable[[], str]) -> None:
    """Gives the lock its row; it is never changed."""
    with session.transaction():
        session.execute(statements.lock())
        if not session.query(statements.warehouse_id()):
            session.execute(statements.insert("load_lock", ("warehouse_id",), 1), [new_id()])


def _loader_steps(catalog: Catalog, statements: sql.Statements) -> Iterator[Step]:
    for version, table, definition in LOADER:
        if table not in catalog:
            made = f"CREATE TABLE {statements.table(table)} {definition}"
            yield Step(version=f"{version} {table}", statements=(made,))


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
