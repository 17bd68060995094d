"""What an expression may say: one scalar, deterministic SQL expression over a row's columns.

A verdict must be a pure function of the message and of versions, so whatever reads a clock, draws
at random, looks at the session or at other rows is refused. The list is of what may be used: a
function that a newer DuckDB brings is refused until somebody has looked at it.
"""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from transforms.errors import ConfigurationError

#: Deterministic for a fixed time zone, which the engine sets to UTC; DuckDB marks them otherwise,
#: since the session's zone could change between two queries.
_ZONED: Final = frozenset(
    {
        *("+", "-", "century", "date_diff", "date_part", "date_sub", "date_trunc", "datediff"),
        *("datepart", "datesub", "datetrunc", "day", "dayname", "dayofmonth", "dayofweek"),
        *("dayofyear", "decade", "era", "hour", "isodow", "isoyear", "julian", "last_day"),
        *("make_timestamptz", "microsecond", "millennium", "millisecond", "minute", "month"),
        *("monthname", "quarter", "second", "strftime", "time_bucket", "timezone", "week"),
        *("timezone_hour", "timezone_minute", "weekday", "weekofyear", "year", "yearweek"),
    }
)
#: Scalar by their type, and yet not for a row of data: files, settings, the session.
_REFUSED: Final = frozenset({"getenv", "read_blob", "read_text", "version", "pg_typeof", "error"})
_NODES_REFUSED: Final = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column number",
    "LAMBDA_REF": "a lambda's column",
}


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        sql: Its text.
        columns: The columns that it reads, each as its parts: ``("ndc",)``, ``("drug", "ndc11")``.
    """

    sql: str
    columns: frozenset[tuple[str, ...]]

    @classmethod
    def parse(cls, sql: str, own_functions: frozenset[str] = frozenset()) -> "Expression":
        """Checks a text.

        Args:
            sql: One scalar SQL expression.
            own_functions: Names of functions that the engine adds.

        Raises:
            ConfigurationError: It is not one expression, or not a pure one; says where and why.
        """
        tree = _tree(sql)
        for node in _nodes(tree):
            fault = _fault(node, own_functions)
            if fault:
                raise ConfigurationError(
                    f"the expression {_short(sql)} uses {fault}",
                    "Use a row's own columns and deterministic scalar functions only",
                )
        return cls(sql.strip(), frozenset(_columns(tree)))


def _tree(sql: str) -> dict[str, Any]:
    # The line feed ends a comment that would otherwise swallow the bracket.
    row = _parser().execute("SELECT json_serialize_sql(?)", [f"SELECT ({sql}\n)"]).fetchone()
    assert row is not None
    parsed: dict[str, Any] = json.loads(row[0])
    if parsed["error"]:
        # The position counts from the start of our own "SELECT (".
        at = int(parsed.get("position", 8)) - len("SELECT (") + 1
        raise ConfigurationError(
            f"the expression {_short(sql)} is no SQL expression: {parsed['error_message']} "
            f"(character {max(at, 1)})",
            "Correct it",
        )
    statements = parsed["statements"]
    select = statements[0]["node"]
    plain = (
        len(statements) == 1
        and select["type"] == "SELECT_NODE"
        and len(select["select_list"]) == 1
        and select["from_table"]["type"] == "EMPTY"
        and not select["where_clause"]
        and not select["modifiers"]
    )
    if not plain:
        raise ConfigurationError(
            f"the expression {_short(sql)} is more than one scalar expression", "Write one"
        )
    only: dict[str, Any] = select["select_list"][0]
    return only


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _fault(node: dict[str, Any], own_functions: frozenset[str]) -> str:
    if node["class"] in _NODES_REFUSED:
        return _NODES_REFUSED[node["class"]]
    if node["class"] != "FUNCTION":
        return ""
    name = node["function_name"].lower()
    if name in own_functions or name in _allowed_functions():
        return ""
    return f"the function {name}, which is not a deterministic scalar function known here"


def _columns(tree: Any) -> Iterator[tuple[str, ...]]:
    for node in _nodes(tree):
        if node["class"] == "COLUMN_REF":
            yield tuple(node["column_names"])


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


@functools.cache
def _allowed_functions() -> frozenset[str]:
    found = (
        _parser()
        .execute(
            "SELECT function_name FROM duckdb_functions() GROUP BY function_name "
            "HAVING bool_and(function_type IN ('scalar', 'macro') "
            "AND coalesce(stability, 'CONSISTENT') = 'CONSISTENT')"
        )
        .fetchall()
    )
    return (frozenset(name for (name,) in found) | _ZONED) - _REFUSED


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")
