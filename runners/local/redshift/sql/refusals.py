"""What PostgreSQL would take and Redshift wouldn't: refused, so that nothing relies on it.

Sources: Amazon Redshift's "Unsupported PostgreSQL features", "Unsupported PostgreSQL functions",
"Leader node-only functions", and the syntax of INSERT and window functions.
"""

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql.lexer import Statement

__all__ = ["refuse"]

_PHRASES: dict[tuple[str, ...], str] = {
    ("on", "conflict"): "use DELETE and INSERT",
    ("returning",): "read the rows before or after",
    ("distinct", "on"): "use ROW_NUMBER() in a subquery",
    ("filter", "("): "use CASE inside the aggregate",
    ("lateral",): "use a join",
    ("array", "["): "there are no arrays",
    ("from", "(", "values"): "VALUES is no table, use UNION ALL",
    ("in", "(", "values"): "VALUES is no table, use a list",
    ("for", "update"): "LOCK the table",
    ("for", "share"): "LOCK the table",
    ("is", "distinct", "from"): "compare with NULL tests",
    ("is", "not", "distinct", "from"): "compare with NULL tests",
    ("materialized",): "use a table or a view",
    ("tablesample",): "use a condition",
    ("range", "between"): "frames are ROWS only",
    ("groups", "between"): "frames are ROWS only",
    ("set", "("): "set columns one by one",
    ("row", "("): "there are no row constructors",
    ("except", "all"): "use EXCEPT",
    ("intersect", "all"): "use INTERSECT",
    ("as", "(", "insert"): "only SELECT goes into WITH",
    ("as", "(", "update"): "only SELECT goes into WITH",
    ("as", "(", "delete"): "only SELECT goes into WITH",
    ("overriding",): "leave the identity column out",
    # Redshift has these, with another meaning.
    ("convert", "("): "not supported here, use CAST",
    ("decode", "("): "not supported here, use CASE",
}
#: By a statement's first word what it can't hold, and the error.
_PARTS = {
    **dict.fromkeys(
        ("begin", "start"),
        ({"isolation"}, "0A000", "BEGIN with an isolation level: the database's is everyone's"),
    ),
    "lock": ({"in", "nowait", "mode"}, "42601", "LOCK with a mode or NOWAIT: there is one mode"),
    "rollback": ({"to"}, "0A000", "ROLLBACK TO: there are no savepoints"),
}
_LEADER_ONLY = {"age", "current_time", "current_timestamp", "isfinite", "localtime", "now"}
_LEADER_ONLY |= {"localtimestamp", "generate_series", "array_agg", "array_to_string"}
_ABSENT = {"string_agg", "unnest", "json_agg", "jsonb_agg", "to_json", "to_jsonb", "format"}
_ABSENT |= {"row_to_json", "json_build_object", "jsonb_build_object", "gen_random_uuid"}
_OPERATORS = {"->", "->>", "#>", "#>>", "@>", "<@", "@?", "@@", "&&", "?|", "?&", "?", "=>", ":="}
_OPERATORS |= {"["}
_CASTS = {"regclass", "regtype", "regproc", "oid", "json", "jsonb", "uuid", "bytea", "money"}
_CASTS |= {"inet", "xml", "name", "citext", "hstore", "super", "varbyte"}
_FRAMED = {"sum", "avg", "count", "min", "max", "first_value", "last_value", "nth_value"}
_FRAMED |= {"stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"}
# Their names begin like the catalog's, but they are for everyone.
_PUBLIC = {"pg_last_copy_count", "pg_backend_pid", "pg_terminate_backend"}


def refuse(sql: Statement) -> None:
    """Looks for syntax that only PostgreSQL has.

    Raises:
        SqlError: there is some; the message names it and what to use.
    """
    if _reads_catalog(sql):
        return
    parts, code, text = _PARTS.get(sql.word(0), (set(), "", ""))
    if not parts.isdisjoint(sql.words):
        raise refused(text, code)
    _phrases(sql)
    _tokens(sql)
    _frames(sql)
    _sorted_aggregates(sql)
    if sql.says(0, "with") and sql.find("insert", "into") < len(sql):
        raise refused("WITH before INSERT: put it after INSERT INTO", "42601")


def _reads_catalog(sql: Statement) -> bool:
    """Tells whether a query reads the catalog, on Redshift's leader node, an old PostgreSQL."""
    if sql.word(0) not in ("select", "with"):
        return False
    return any(word.startswith("pg_") and word not in _PUBLIC for word in sql.words)


def _phrases(sql: Statement) -> None:
    for phrase, instead in _PHRASES.items():
        at = sql.find(*phrase)
        # A column may be called what a keyword is called; "t.returning" is a column.
        if at < len(sql) and sql.word(at - 1) != ".":
            raise refused(f"{' '.join(phrase).upper()}: {instead}")


def _tokens(sql: Statement) -> None:
    for at, word in enumerate(sql.words):
        call = sql.word(at + 1) == "(" and sql.kinds[at] == "word" and sql.word(at - 1) != "."
        if sql.kinds[at] == "sign" and word in _OPERATORS:
            raise refused(f"operator {word}: there are no arrays and no JSON types")
        if word in _LEADER_ONLY and (call or word.startswith(("current_time", "localtime"))):
            raise refused(f"{word.upper()}: runs on the leader node only, use GETDATE() or SYSDATE")
        if call and word in _ABSENT:
            raise refused(f"{word.upper()}: no such function", "42883")
        # Of ``cast(... as word)`` the closing parenthesis tells where it began.
        in_cast = sql.word(at - 1) == "as" and sql.before(at + 1) == "cast"
        if word in _CASTS and (in_cast or sql.word(at - 1) == "::"):
            raise refused(f"type {word.upper()}: not supported")


def _frames(sql: Statement) -> None:
    """Aggregates over an ordered window need an explicit frame on Redshift."""
    for at in range(len(sql)):
        if sql.says(at, "over", "(") and sql.before(at - 1) in _FRAMED:
            window = sql.words[at + 2 : sql.close(at + 1)]
            if "order" in window and "rows" not in window:
                text = "Aggregate window functions with an ORDER BY clause require a frame clause"
                raise SqlError("0A000", text)


def _sorted_aggregates(sql: Statement) -> None:
    """The PERCENTILE_CONTs of one SELECT have to share one order on Redshift."""
    queries = [at for at in sql.pairs if sql.word(at + 1) in ("select", "with")]
    orders = dict[int, tuple[str, ...]]()
    for at in range(len(sql)):
        if sql.says(at, "within", "group", "(", "order", "by"):
            order = sql.words[at + 5 : sql.close(at + 2)]
            query = max((start for start in queries if start < at < sql.close(start)), default=0)
            if orders.setdefault(query, order) != order:
                text = "within group ORDER BY clauses for aggregate functions must be the same"
                raise SqlError("0A000", text)
