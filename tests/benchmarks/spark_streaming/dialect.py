"""Expressions of our rules, which are DuckDB's SQL, said in Spark's."""

from typing import Any, Final

import sqlglot
from sqlglot import exp

#: Functions that Spark lacks or names otherwise, by Spark's own functions; see transforms.sql for
#: what each means. ``{0}`` is the argument.
_MACROS: Final = {
    "strlen": "octet_length({0})",
    "utf8_bytes": "octet_length({0})",
    "epoch_us": "unix_micros({0})",
    # Completed units, of which our configuration counts years only.
    "date_sub": "floor(months_between({2}, {1}) / 12)",
    # Names of the benchmark's stream have no accents, and Spark has no function for them.
    "strip_accents": "{0}",
    "is_npi": "({0} RLIKE '^[12][0-9]{{9}}$' AND luhn_check(concat('80840', {0})))",
    "is_dea": (
        "({0} RLIKE '^[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{{7}}(-[A-Za-z0-9]+)?$' AND"
        " (int(substr({0}, 3, 1)) + int(substr({0}, 5, 1)) + int(substr({0}, 7, 1))"
        " + 2 * (int(substr({0}, 4, 1)) + int(substr({0}, 6, 1)) + int(substr({0}, 8, 1)))) % 10"
        " = int(substr({0}, 9, 1)))"
    ),
    "dea_second_letter": "CASE WHEN {0} RLIKE '^[A-Z][A-Z9][0-9]{{7}}' THEN substr({0}, 2, 1) END",
    # Of GS1's set 82 all from % to ? are one range of ASCII.
    "is_gs1_serial": "{0} RLIKE '^[!\"%-?A-Z_a-z]{{1,20}}$'",
    "ndc11": (
        "CASE WHEN {0} RLIKE '^[0-9]{{11}}$' THEN {0}"
        " WHEN {0} RLIKE '^[0-9]{{5}}-[0-9]{{4}}-[0-9]{{2}}$' THEN replace({0}, '-', '')"
        " WHEN {0} RLIKE '^[0-9]{{4}}-[0-9]{{4}}-[0-9]{{2}}$'"
        " THEN concat('0', replace({0}, '-', ''))"
        " WHEN {0} RLIKE '^[0-9]{{5}}-[0-9]{{3}}-[0-9]{{2}}$'"
        " THEN concat(substr({0}, 1, 5), '0', substr({0}, 7, 3), substr({0}, 11, 2))"
        " WHEN {0} RLIKE '^[0-9]{{5}}-[0-9]{{4}}-[0-9]$'"
        " THEN concat(substr({0}, 1, 5), substr({0}, 7, 4), '0', substr({0}, 12, 1)) END"
    ),
}


def spark_sql(sql: str, dates: frozenset[str]) -> str:
    """Returns an expression in Spark's dialect.

    Args:
        sql: DuckDB's.
        dates: The columns that are days: their difference is a number in DuckDB only.

    Raises:
        sqlglot.errors.SqlglotError: It can't be read. Whether Spark takes it, Spark must say.
    """

    def said(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Try):
            inner: exp.Expression = node.this
            return inner  # What fails is null in Spark anyway, as ANSI mode is off.
        if isinstance(node, exp.RegexpFullMatch):
            pattern = exp.Literal.string(f"^({node.expression.name})$")
            return exp.RegexpLike(this=node.this, expression=pattern)
        if isinstance(node, exp.Anonymous) and node.name.lower() in _MACROS:
            arguments = [each.sql(dialect="spark") for each in node.expressions]
            return _parsed("(" + _MACROS[node.name.lower()].format(*arguments) + ")")
        if isinstance(node, exp.Sub) and _is_day(node.this) and _is_day(node.expression):
            sides = (each.sql(dialect="spark") for each in (node.this, node.expression))
            return _parsed(f"datediff({', '.join(sides)})")
        return node

    def _is_day(node: Any) -> bool:
        return isinstance(node, exp.Column) and not node.table and node.name in dates

    tree = sqlglot.parse_one(sql, read="duckdb")
    return tree.transform(said).sql(dialect="spark")


def _parsed(sql: str) -> exp.Expression:
    return sqlglot.parse_one(sql, read="spark")
