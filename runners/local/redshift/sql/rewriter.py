"""One statement of Redshift's SQL -> what the gateway does with it."""

from collections.abc import Callable, Mapping

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql import tables, utility
from runners.local.redshift.sql.copying import parse_copy
from runners.local.redshift.sql.expressions import rewrite_expressions
from runners.local.redshift.sql.lexer import Statement, split
from runners.local.redshift.sql.plan import Plan, Relay
from runners.local.redshift.sql.refusals import refuse

__all__ = ["plan"]

_MOST_BYTES = 16 * 1024 * 1024


def plan(text: str) -> Plan:
    """Plans what a client sent: one statement, or nothing.

    Raises:
        SqlError: Redshift would refuse it, or the stand-in can't do it.
    """
    size = len(text.encode())
    if size > _MOST_BYTES:
        sizes = f"Statement Size: {size} bytes. Maximum Allowed: {_MOST_BYTES} bytes"
        raise SqlError("54000", f"Statement is too large. {sizes}")
    statements = split(text)
    if not statements:
        return Relay(sql="")
    if len(statements) > 1:
        raise refused("several statements at once: send one by one")
    return _planned(statements[0])


def _planned(sql: Statement) -> Plan:
    if sum(word in ("(", ")") for word in sql.words) != len(sql.pairs):
        raise refused("a parenthesis without its other half: syntax error", "42601")
    refuse(sql)
    for size in (4, 3, 2, 1):
        key = " ".join(sql.words[:size])
        if key in _PLANNERS:
            try:
                rewrite_expressions(sql)
                return _PLANNERS[key](sql)
            # It ends where something must follow, or has a word where a number must be.
            except (IndexError, ValueError):
                raise refused(f"{key.upper()}: syntax error", "42601") from None
    size = {"or": 4, "temp": 3, "temporary": 3}.get(sql.word(1), 2)
    raise refused(f"{' '.join(sql.words[:size]).upper()}: not supported")


def _relay(sql: Statement) -> Plan:
    return Relay(sql=str(sql))


#: By the words that a statement begins with.
_PLANNERS: Mapping[str, Callable[[Statement], Plan]] = {
    **dict.fromkeys(("select", "with", "(", "explain", "deallocate"), _relay),
    **dict.fromkeys(("insert", "update", "delete", "lock"), _relay),
    **dict.fromkeys(("begin", "start", "commit", "rollback"), _relay),
    **dict.fromkeys(("create schema", "drop schema", "drop table", "drop view"), _relay),
    **dict.fromkeys(("create role", "drop role", "drop user"), _relay),
    **dict.fromkeys(("create user", "alter user"), utility.user),
    **dict.fromkeys(("set", "reset", "show"), utility.setting),
    **dict.fromkeys(("grant", "revoke"), utility.grant),
    **dict.fromkeys(("create view", "create or replace view"), tables.create_view),
    "create table": tables.create_table,
    "create temp table": tables.create_table,
    "create temporary table": tables.create_table,
    "alter table": tables.alter_table,
    "copy": parse_copy,
}
