"""The tables of the loader and of the raw rows, and how they come to be and grow.

Each step is recorded in ``schema_history`` in the transaction that makes it. A step that Redshift
runs outside of transactions only, the widening of a VARCHAR, is recorded after it: run twice it
changes nothing. So a migration may end anywhere and be run again.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift import sql
from transforms.redshift.client import Session
from transforms.redshift.layout import Column, catalog_column
from transforms.redshift.plan import LoadPlan, RawTable

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
        "TIMESTAMP, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP NOT NULL) "
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
)
_HISTORY: Final = (
    "(version VARCHAR(255) NOT NULL, sql_sha256 VARCHAR(64) NOT NULL, applied_at TIMESTAMP NOT "
    "NULL) DISTSTYLE ALL"
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change of the schema.

    Attributes:
        version: Its name in ``schema_history``.
        statements: What it runs.
        in_transaction: False for what Redshift refuses within one.
    """

    version: str
    statements: tuple[str, ...]
    in_transaction: bool = True

    @property
    def sha256(self) -> str:
        """Digest of its statements."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()


def read_catalog(session: Session, statements: sql.Statements) -> dict[str, list[Column]]:
    """Returns the columns of all tables of the schema, in order."""
    tables: dict[str, list[Column]] = {}
    for table, *described in session.query(statements.columns(), [statements.schema]):
        tables.setdefault(str(table), []).append(catalog_column(*described))
    return tables


def pending(catalog: Catalog, plan: LoadPlan, statements: sql.Statements) -> list[Step]:
    """Returns the steps that lead from a schema as it is to the one that a plan needs.

    Args:
        catalog: The tables as they are.
        plan: What is to be loaded.
        statements: Of the schema.

    Raises:
        ConfigurationError: A column has another type: that takes a migration written by hand.
    """
    steps = list(_loader_steps(catalog, statements))
    for table in plan.tables:
        there = catalog.get(table.table)
        steps += _evolve(table, there, statements) if there else [_create(table, statements)]
    return steps


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
    steps = pending(catalog, plan, statements)
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


def _evolve(table: RawTable, there: Sequence[Column], statements: sql.Statements) -> Iterator[Step]:
    found = {column.name: column for column in there}
    name = statements.table(table.table)
    for wanted in table.columns:
        has = found.get(wanted.name)
        if has is None:
            add = f"ALTER TABLE {name} ADD COLUMN {sql.quoted(wanted.name)} {wanted.type.sql}"
            yield Step(version=f"{table.table}.{wanted.name} added", statements=(add,))
        elif not has.type.holds(wanted.type):
            yield _widen(table, has, wanted, name)


def _widen(table: RawTable, has: Column, wanted: Column, name: str) -> Step:
    if has.type.kind != "VARCHAR" or wanted.type.kind != "VARCHAR":
        raise ConfigurationError(
            f"the column {table.table}.{wanted.name} is {has.type.sql} and should be "
            f"{wanted.type.sql}, which can't be done in place",
            "Write a migration that makes the table anew, or keep the field's type",
        )
    change = f"ALTER TABLE {name} ALTER COLUMN {sql.quoted(wanted.name)} TYPE {wanted.type.sql}"
    return Step(
        version=f"{table.table}.{wanted.name} widened to {wanted.type.length}",
        statements=(change,),
        in_transaction=False,
    )
