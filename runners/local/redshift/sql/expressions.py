"""Expressions that both engines have under different names."""

from runners.local.redshift.sql.lexer import Statement

__all__ = ["rewrite_expressions"]

_DATEPART_FIRST = {"dateadd", "datediff", "date_part", "date_trunc"}


def rewrite_expressions(sql: Statement) -> None:
    """Changes Redshift's words to PostgreSQL's."""
    for at, (word, kind) in enumerate(zip(sql.words, sql.kinds, strict=True)):
        if kind == "quoted":
            # Redshift folds quoted names too.
            sql.put(at, word.lower())
        elif kind == "word" and sql.word(at + 1) == "(":
            if word == "nvl":
                sql.put(at, "coalesce")
            if word in _DATEPART_FIRST and sql.kinds[at + 2] == "word" and sql.word(at + 3) == ",":
                sql.put(at + 2, f"'{sql.words[at + 2]}'")
