"""Who may do what in a warehouse: three roles, and their rights by the kind of a table.

    loader    adds and changes rows; give it to the user that loads
    analyst   reads the star schema and the views, but no links
    steward   reads the raw tables and the rows that COPY refused

The names begin with the schema's, since Redshift's roles belong to the whole database.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift import LoadPlan, Session, Statements
from transforms.redshift.layout import Column
from transforms.redshift.schema import LOADER as OWN_TABLES
from transforms.redshift.schema import read_catalog
from transforms.redshift.sql import quoted


class Kind(StrEnum):
    """What a table is.

    Attributes:
        RAW: Rows of the lake.
        REJECTS: Who the rows are that COPY refused.
        RECORDS: The loader's other tables.
        PARTIALS: Aggregates' partials, of cells that are too small to be shown, too.
        STAR: Dimensions and facts.
        VIEW: Views.
    """

    RAW = "raw"
    REJECTS = "rejects"
    RECORDS = "records"
    PARTIALS = "partials"
    STAR = "star"
    VIEW = "view"


LOADER: Final = "loader"
ANALYST: Final = "analyst"
STEWARD: Final = "steward"
_CHANGE: Final = "SELECT, INSERT, UPDATE, DELETE"
#: Role -> kind -> rights. A kind that isn't there is closed to the role.
RIGHTS: Final[Mapping[str, Mapping[Kind, str]]] = {
    LOADER: {**dict.fromkeys(Kind, _CHANGE), Kind.VIEW: "SELECT"},
    ANALYST: {Kind.STAR: "SELECT", Kind.VIEW: "SELECT"},
    STEWARD: {Kind.RAW: "SELECT", Kind.REJECTS: "SELECT"},
}
#: Those that see links: tables are joined by them.
_SEE_LINKS: Final = (LOADER, STEWARD)
#: After so long without a statement the loader's session is ended, and with it the lock of a loader
#: that froze. It says something every few seconds, but while COPY runs, which isn't idle.
SESSION_TIMEOUT_S: Final = 600


@dataclass(frozen=True, kw_only=True)
class Target:
    """A table or view.

    Attributes:
        name: Its name.
        kind: What it is.
        columns: Its columns.
        links: Those of them that hold links.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    links: tuple[str, ...] = ()


def targets(
    plan: LoadPlan, catalog: Mapping[str, Sequence[Column]], links: Collection[str]
) -> list[Target]:
    """Returns all tables and views of a plan.

    Args:
        plan: What the schema has.
        catalog: The schema's columns as they are.
        links: Names of the columns that hold links.

    Raises:
        ConfigurationError: The schema isn't up to date.
    """
    found = []
    for name, kind in _kinds(plan):
        if name not in catalog:
            raise ConfigurationError(
                f"there is no table or view {name}",
                "Run python -m beam_pipelines.warehouse migrate",
            )
        columns = tuple(column.name for column in catalog[name])
        hidden = tuple(column for column in columns if column in links)
        found.append(Target(name=name, kind=kind, columns=columns, links=hidden))
    return found


def _kinds(plan: LoadPlan) -> Iterator[tuple[str, Kind]]:
    for _, name, _ in OWN_TABLES:
        yield name, Kind.REJECTS if name == "load_rejects" else Kind.RECORDS
    for raw in plan.tables:
        yield raw.table, Kind.RAW
    for partials in plan.partials:
        yield partials.table, Kind.PARTIALS
    for star in plan.star:
        yield star.table, Kind.STAR
    for view in plan.views:
        yield view, Kind.VIEW


def grant_script(
    statements: Statements,
    found: Sequence[Target],
    roles: Collection[str],
    *,
    loader_user: str | None = None,
    session_timeout_s: int = SESSION_TIMEOUT_S,
) -> list[str]:
    """Returns the statements after which the roles have the rights above, and no others.

    Args:
        statements: Of the schema.
        found: Its tables and views.
        roles: The roles that the database has already.
        loader_user: Who gets the role ``loader``, and the session's time-out; None for nobody.
        session_timeout_s: The time-out, in seconds.
    """
    schema = quoted(statements.schema)
    names = {role: quoted(role_name(statements.schema, role)) for role in RIGHTS}
    script = [
        f"CREATE ROLE {name}"
        for role, name in names.items()
        if role_name(statements.schema, role) not in roles
    ]
    # At once: nobody is without rights meanwhile. What was granted by column goes, too.
    script.append("BEGIN")
    for role, name in names.items():
        script.append(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM ROLE {name}")
        usage = "USAGE, CREATE" if role == LOADER else "USAGE"
        script.append(f"GRANT {usage} ON SCHEMA {schema} TO ROLE {name}")
        script += _granted(statements, role, name, found)
    script.append("COMMIT")
    if loader_user is not None:
        script += [
            f"GRANT ROLE {names[LOADER]} TO {quoted(loader_user)}",
            f"ALTER USER {quoted(loader_user)} SESSION TIMEOUT {session_timeout_s}",
        ]
    return script


def closed_views(found: Sequence[Target]) -> list[Target]:
    """Returns the views that analysts don't get, for they show links.

    Redshift grants no single columns of a late-binding view ("Usage notes" of GRANT).
    """
    return [each for each in found if each.kind == Kind.VIEW and each.links]


def role_name(schema: str, role: str) -> str:
    """Returns what a role is called in the database."""
    return f"{schema}_{role}"


def apply_grants(
    session: Session,
    statements: Statements,
    plan: LoadPlan,
    links: Collection[str],
    *,
    dry_run: bool = False,
    loader_user: str | None = None,
    session_timeout_s: int = SESSION_TIMEOUT_S,
) -> tuple[list[str], list[Target]]:
    """Gives the roles their rights; safe to repeat.

    Args:
        session: Of a user who may make roles, and owns the tables or is a superuser.
        statements: Of the schema.
        plan: What it has.
        links: Names of the columns that hold links.
        dry_run: Only finds out what is to be done.
        loader_user: Who gets the role ``loader``; None for nobody.
        session_timeout_s: When that user's idle sessions are ended, in seconds.

    Returns:
        The statements, and the views that analysts don't get.

    Raises:
        ConfigurationError: The schema isn't up to date.
    """
    found = targets(plan, read_catalog(session, statements), links)
    roles = {str(name) for (name,) in session.query("SELECT role_name FROM svv_roles")}
    script = grant_script(
        statements, found, roles, loader_user=loader_user, session_timeout_s=session_timeout_s
    )
    if not dry_run:
        try:
            for statement in script:
                session.execute(statement)
        except BaseException:
            session.abandon()
            raise
    return script, closed_views(found)


def _granted(
    statements: Statements, role: str, name: str, found: Sequence[Target]
) -> Iterator[str]:
    for target in found:
        rights = RIGHTS[role].get(target.kind)
        if rights is None:
            continue
        table = statements.table(target.name)
        if role in _SEE_LINKS or not target.links:
            yield f"GRANT {rights} ON {table} TO ROLE {name}"
        elif target.kind != Kind.VIEW:
            seen = ", ".join(quoted(c) for c in target.columns if c not in target.links)
            yield f"GRANT {rights} ({seen}) ON {table} TO ROLE {name}"
