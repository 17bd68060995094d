"""Statements about the session, users and rights."""

from runners.local.redshift.errors import SqlError
from runners.local.redshift.sql.lexer import Statement
from runners.local.redshift.sql.plan import Plan, Relay, Script
from runners.local.redshift.sql.tables import name_at

__all__ = ["IDLE_TIMEOUTS", "grant", "setting", "user"]

#: Settings that mean the same to PostgreSQL.
_SHARED = {"statement_timeout", "search_path", "timezone", "datestyle", "client_encoding"}
_SHARED |= {"application_name", "extra_float_digits"}
#: Settings that are remembered and change nothing.
_KEPT = {"query_group", "enable_result_cache_for_session"}
#: PostgreSQL has two settings for what Redshift has one.
IDLE_TIMEOUTS = ("idle_session_timeout", "idle_in_transaction_session_timeout")


def setting(sql: Statement) -> Plan:
    """Rewrites SET, RESET and SHOW of one setting."""
    name = sql.word(1)
    if name in _KEPT:
        sql.put(1, f"rs.{name}")
        if sql.kinds[-1] == "word" and sql.word(0) == "set":
            sql.put(len(sql) - 1, f"'{sql.words[-1]}'")
    elif name not in _SHARED and sql.word(0) != "show":
        raise SqlError("42704", f'stand-in: unrecognized configuration parameter "{name}"')
    return Relay(sql=str(sql))


def grant(sql: Statement) -> Plan:
    """Leaves out the word ROLE, which PostgreSQL hasn't."""
    for at in range(len(sql)):
        if sql.words[at] == "role" and sql.word(at - 1) in ("grant", "revoke", "to", "from", ","):
            sql.put(at, "")
    return Relay(sql=str(sql))


def user(sql: Statement) -> Plan:
    """Rewrites CREATE and ALTER USER: SESSION TIMEOUT."""
    at = sql.find("session", "timeout")
    if at == len(sql):
        return Relay(sql=str(sql))
    seconds, name = int(sql.word(at + 2)), name_at(sql, 2)[0]
    if not 60 <= seconds <= 1_728_000:
        raise SqlError("22023", "SESSION TIMEOUT must be between 60 and 1728000 seconds")
    sql.drop(at, at + 3)
    statements = [f"ALTER ROLE {name} SET {timeout} = '{seconds}s'" for timeout in IDLE_TIMEOUTS]
    if sql.word(0) == "create" or len(sql) > 6:
        statements.insert(0, str(sql))
    return Script(statements=tuple(statements), tag=f"{sql.word(0).upper()} USER")
