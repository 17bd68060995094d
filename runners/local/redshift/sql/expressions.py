"""Expressions that both engines have under different names."""

from runners.local.redshift.errors import refused
from runners.local.redshift.sql.lexer import Statement

__all__ = ["rewrite_expressions"]

_DATEPART_FIRST = {"dateadd", "date_add", "datediff", "date_diff", "date_part", "date_trunc"}
_RENAMED = {"nvl": "coalesce", "date_add": "dateadd", "date_diff": "datediff"}
_APPROXIMATE = ("count", "percentile_disc")


def rewrite_expressions(sql: Statement, start: int = 0) -> None:
    """Changes Redshift's words to PostgreSQL's, from position ``start``.

    Raises:
        SqlError: a form that isn't supported.
    """
    for at in range(start, len(sql)):
        word, call = sql.words[at], sql.word(at + 1) == "("
        if sql.kinds[at] in ("temp", "quoted"):
            # Redshift folds quoted names too.
            sql.put(at, f'"{word}"' if sql.kinds[at] == "temp" else word.lower())
        elif sql.kinds[at] == "word":
            _word(sql, at, word)
            if call:
                _call(sql, at, word)


def _word(sql: Statement, at: int, word: str) -> None:
    if word == "sysdate":
        sql.put(at, "pg_catalog.sysdate()")
    elif word == "minus" and sql.word(at + 1) in ("select", "("):
        sql.put(at, "except")
    elif word == "approximate" and sql.word(at + 1) in _APPROXIMATE:
        sql.put(at, "")
    elif word == "max" and sql.word(at - 1) == "(" and sql.word(at + 1) == ")":
        sql.put(at, "65535")
    elif word == "text" and (sql.word(at - 1) == "::" or sql.says(at - 1, "as", "text", ")")):
        sql.put(at, "varchar(256)")


def _call(sql: Statement, at: int, word: str) -> None:
    if word in _RENAMED:
        sql.put(at, _RENAMED[word])
    if word in _DATEPART_FIRST and sql.kinds[at + 2] == "word" and sql.word(at + 3) == ",":
        sql.put(at + 2, f"'{sql.words[at + 2]}'")
    if word == "median":
        # Its parenthesis closes ours: MEDIAN(x) is percentile_cont(0.5) WITHIN GROUP (ORDER BY x).
        sql.put(at, "percentile_cont(0.5) within group ")
        sql.put(at + 1, "(order by ")
    if word == "listagg":
        _listagg(sql, at)


def _listagg(sql: Statement, at: int) -> None:
    """LISTAGG(x, s) WITHIN GROUP (ORDER BY y) is string_agg(x::varchar, s ORDER BY y)."""
    end = sql.close(at + 1)
    parts = sql.parts(at + 2, end)
    if not sql.says(end + 1, "within", "group", "(") or sql.says(at + 2, "distinct"):
        raise refused("LISTAGG takes no DISTINCT here, and needs WITHIN GROUP (ORDER BY ...)")
    order = sql.close(end + 3)
    separator = "" if len(parts) > 1 else ", ''"
    sql.put(at, "string_agg")
    last = parts[0][1] - 1
    sql.put(at + 2, "(" + sql.text(at + 2, at + 3))
    sql.put(last, sql.text(last, last + 1) + ")::varchar")
    # The order moves in front of the parenthesis that closed the arguments.
    sql.put(end, f"{separator} ")
    sql.drop(end + 1, end + 4)
    sql.put(order, ")")
