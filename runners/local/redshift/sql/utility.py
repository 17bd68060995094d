"""Statements about the session, users and upkeep."""

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql.expressions import rewrite_expressions
from runners.local.redshift.sql.lexer import Statement
from runners.local.redshift.sql.plan import Plan, Relay, Script
from runners.local.redshift.sql.tables import name_at

__all__ = [
    "IDLE_TIMEOUTS",
    "analyze",
    "begin",
    "grant",
    "lock",
    "setting",
    "truncate",
    "user",
    "vacuum",
]

#: Settings that mean the same to PostgreSQL.
_SHARED = {"statement_timeout", "search_path", "timezone", "datestyle", "client_encoding"}
_SHARED |= {"application_name", "extra_float_digits", "session", "time", "transaction_isolation"}
#: Settings that are remembered and change nothing.
_KEPT = {"query_group", "wlm_query_slot_count", "enable_result_cache_for_session"}
_KEPT |= {"analyze_threshold_percent", "json_serialization_enable", "auto_mv"}
#: PostgreSQL has two settings for what Redshift has one.
IDLE_TIMEOUTS = ("idle_session_timeout", "idle_in_transaction_session_timeout")


def begin(sql: Statement) -> Plan:
    """Leaves the isolation level out: on Redshift the database's is everyone's."""
    if (at := sql.find("isolation", "level")) > 0:
        two = sql.word(at + 2) in ("read", "repeatable")
        sql.drop(at, at + 3 + two)
    return Relay(sql=str(sql))


def lock(sql: Statement) -> Plan:
    """Takes LOCK without a mode: it is always an exclusive one."""
    if {"in", "nowait", "mode"} & set(sql.words):
        raise refused("LOCK with a mode or NOWAIT: there is one mode", "42601")
    rewrite_expressions(sql)
    return Relay(sql=str(sql))


def truncate(sql: Statement) -> Plan:
    """Commits with TRUNCATE, and what the transaction did before it."""
    name, end = name_at(sql, 1 + sql.says(1, "table"))
    if end < len(sql):
        raise refused("TRUNCATE takes one table", "42601")
    return Script(statements=(f"TRUNCATE TABLE {name}",), tag="TRUNCATE TABLE", commit=True)


def setting(sql: Statement) -> Plan:
    """Rewrites SET, RESET and SHOW of one setting."""
    at = 1 + (sql.word(1) in ("local", "session") and sql.word(2) != "authorization")
    name = sql.word(at)
    if name in _KEPT:
        sql.put(at, f"rs.{name}")
        if sql.kinds[-1] == "word" and sql.word(0) == "set":
            sql.put(len(sql) - 1, f"'{sql.words[-1]}'")
    elif name not in _SHARED and sql.word(0) != "show":
        raise SqlError("42704", f'stand-in: unrecognized configuration parameter "{name}"')
    return Relay(sql=str(sql))


def analyze(sql: Statement) -> Plan:
    """Leaves out which columns ANALYZE is to look at."""
    if sql.says(1, "compression"):
        raise refused("ANALYZE COMPRESSION")
    rewrite_expressions(sql)
    for words in (("predicate", "columns"), ("all", "columns")):
        if (at := sql.find(*words)) > 0:
            sql.drop(at, at + 2)
    return Relay(sql=str(sql))


def vacuum(sql: Statement) -> Plan:
    """Reduces VACUUM to its table."""
    skipped = {"full", "sort", "delete", "only", "reindex", "recluster"}
    at = 1
    while sql.word(at) in skipped:
        at += 1
    table = name_at(sql, at)[0] if at < len(sql) else ""
    return Relay(sql=f"VACUUM {table}".strip())


def grant(sql: Statement) -> Plan:
    """Leaves out the word ROLE, which PostgreSQL hasn't."""
    for at in range(len(sql)):
        if sql.words[at] == "role" and sql.word(at - 1) in ("grant", "revoke", "to", "from", ","):
            sql.put(at, "")
    if sql.find("assumerole") > 0 or sql.find("masking") > 0:
        raise refused(f"{sql.word(0).upper()} of this kind")
    rewrite_expressions(sql)
    return Relay(sql=str(sql))


def user(sql: Statement) -> Plan:
    """Rewrites CREATE and ALTER USER: PASSWORD DISABLE, SESSION TIMEOUT."""
    for words, instead in ((("password", "disable"), "NULL"), (("createuser",), "SUPERUSER")):
        if (at := sql.find(*words)) > 0:
            sql.put(at + len(words) - 1, instead)
    rewrite_expressions(sql)
    at = sql.find("session", "timeout")
    if at < 0:
        return Relay(sql=str(sql))
    seconds, name = int(sql.word(at + 2)), name_at(sql, 2)[0]
    if not 60 <= seconds <= 1_728_000:
        raise SqlError("22023", "SESSION TIMEOUT must be between 60 and 1728000 seconds")
    sql.drop(at, at + 3)
    statements = [f"ALTER ROLE {name} SET {timeout} = '{seconds}s'" for timeout in IDLE_TIMEOUTS]
    if sql.word(0) == "create" or len(sql) > 6:
        statements.insert(0, str(sql))
    return Script(statements=tuple(statements), tag=f"{sql.word(0).upper()} USER")
