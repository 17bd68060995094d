"""What an expression may say: one scalar, deterministic SQL expression over a row's columns.

A verdict must be a pure function of the message and of versions, so whatever reads a clock, draws
at random, looks at the session or at other rows is refused. The list is of what may be used: a
function that a newer DuckDB brings is refused until somebody has looked at it.
"""

import functools
import json
import threading
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


#: What the parser is given before an expression, so that positions in the text can be told.
_PREFIX: Final = "SELECT ("


@dataclass(frozen=True)
class Call:
    """A call of one of our own functions with plain columns for arguments.

    Attributes:
        function: The function's name, lower case.
        arguments: The columns' names.
        start: Where the call begins in the expression's text.
        end: Where it ends.
    """

    function: str
    arguments: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        sql: Its text.
        columns: The columns that it reads, each as its parts: ``("ndc",)``, ``("drug", "ndc11")``.
        calls: The calls of our own functions with plain columns, by their place in the text.
    """

    sql: str
    columns: frozenset[tuple[str, ...]]
    calls: tuple[Call, ...] = ()

    @classmethod
    def parse(cls, sql: str, own_functions: frozenset[str] = frozenset()) -> "Expression":
        """Checks a text.

        Args:
            sql: One scalar SQL expression.
            own_functions: Names of functions that the engine adds.

        Raises:
            ConfigurationError: It is not one expression, or not a pure one; says where and why.
        """
        return _parsed(sql.strip(), own_functions)


@functools.lru_cache(maxsize=4096)
def _parsed(sql: str, own_functions: frozenset[str]) -> Expression:
    tree = _tree(sql)
    for node in _nodes(tree):
        fault = _fault(node, own_functions)
        if fault:
            raise ConfigurationError(
                f"the expression {_short(sql)} uses {fault}",
                "Use a row's own columns and deterministic scalar functions only",
            )
    calls = sorted(_calls(sql, tree, own_functions), key=lambda call: call.start)
    return Expression(sql, frozenset(_columns(tree)), tuple(calls))


def _tree(sql: str) -> dict[str, Any]:
    # The line feed ends a comment that would otherwise swallow the bracket.
    # A connection holds one result: of two threads one would take the other's tree, and keep it.
    with _parsing:
        row = _parser().execute("SELECT json_serialize_sql(?)", [f"{_PREFIX}{sql}\n)"]).fetchone()
    assert row is not None
    parsed: dict[str, Any] = json.loads(row[0])
    if parsed["error"]:
        # The position counts from the start of our own "SELECT (".
        at = int(parsed.get("position", len(_PREFIX))) - len(_PREFIX) + 1
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
    # Within our brackets a list, even an empty one, is a row value.
    if only.get("function_name") == "row" and not sql.lower().startswith(("row", "(")):
        raise ConfigurationError(f"the expression {_short(sql)} is not one scalar", "Write one")
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


def _calls(sql: str, tree: Any, own_functions: frozenset[str]) -> Iterator[Call]:
    # The parser counts bytes; text that isn't ASCII would be cut elsewhere.
    for node in _nodes(tree) if sql.isascii() else ():
        name = node.get("function_name", "").lower()
        arguments = [each["expression"] for each in node.get("arguments", ())]
        plain = [len(each.get("column_names", ())) == 1 for each in arguments]
        if name in own_functions and arguments and all(plain):
            start = node["query_location"] - len(_PREFIX)
            end = start + node["query_location_length"]
            if sql[start:end].lower().startswith(name) and sql[start:end].endswith(")"):
                columns = tuple(str(each["column_names"][0]) for each in arguments)
                yield Call(name, columns, start, end)


_parsing = threading.Lock()


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


@functools.cache
def _allowed_functions() -> frozenset[str]:
    with _parsing:
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
