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
    head = sql.word(0)
    two = f"{head} {sql.word(1)}"
    for key in (two, head):
        if key in _PLANNERS:
            try:
                refuse(sql)
                return _PLANNERS[key](sql)
            # It ends where something must follow, or has a word where a number must be.
            except (IndexError, ValueError):
                raise refused(f"{key.upper()}: syntax error", "42601") from None
    raise refused(f"{two.upper().strip()}: not supported")


def _expressions(sql: Statement) -> Plan:
    rewrite_expressions(sql)
    return Relay(sql=str(sql))


def _create(sql: Statement) -> Plan:
    at = 3 if sql.says(1, "or", "replace") else 1
    at += sql.word(at) in ("temp", "temporary", "local")
    if sql.word(at) == "table":
        return tables.create_table(sql)
    if sql.word(at) == "view" and sql.word(at - 1) not in ("temp", "temporary"):
        return tables.create_view(sql)
    if sql.word(at) == "user":
        return utility.user(sql)
    if sql.word(at) in ("schema", "role") and at == 1:
        return _expressions(sql)
    raise refused(f"CREATE {sql.word(at).upper()}: not supported")


def _drop(sql: Statement) -> Plan:
    if sql.word(1) not in ("table", "view", "schema", "role", "user"):
        raise refused(f"DROP {sql.word(1).upper()}: not supported")
    return _expressions(sql)


def _rollback(sql: Statement) -> Plan:
    if "to" in sql.words:
        raise refused("ROLLBACK TO: there are no savepoints")
    return Relay(sql=str(sql))


_PLANNERS: Mapping[str, Callable[[Statement], Plan]] = {
    **dict.fromkeys(("select", "with", "insert", "update", "delete"), _expressions),
    **dict.fromkeys(("explain", "deallocate", "(", "commit"), _expressions),
    **dict.fromkeys(("begin", "start"), utility.begin),
    **dict.fromkeys(("set", "reset", "show"), utility.setting),
    **dict.fromkeys(("grant", "revoke"), utility.grant),
    "rollback": _rollback,
    "copy": parse_copy,
    "create": _create,
    "drop": _drop,
    "alter table": tables.alter_table,
    "alter user": utility.user,
    "lock": utility.lock,
}
