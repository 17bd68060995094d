"""The engine: DuckDB in the process, shut off from everything but the tables it is given.

It evaluates whole Arrow tables in one thread: the hot path never handles one message in Python, and
results come in the order of the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import sqltype
from duckdb.func import ARROW, SPECIAL

from transforms.errors import ConfigurationError, PipelineError
from transforms.segment import one_array
from transforms.sql.expressions import Expression
from transforms.sql.function import Function
from transforms.sql.hoisting import Hoisted
from transforms.sql.pieces import bracketed, quoted, tried

__all__ = ["ROW_NUMBER", "Engine", "EvaluationError", "Function", "Join"]

#: Column by which ``Engine.select`` numbers the rows, from 0: expressions of ours may name it.
ROW_NUMBER: Final = "_number"
_ROWS: Final = "_rows"

_SETTINGS: Final = (
    "SET TimeZone = 'UTC'",
    "SET temp_directory = ''",  # What doesn't fit must not lie on a disk in clear: it fails.
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET enable_progress_bar = false",
    "SET memory_limit = '512MB'",
)
_LOCK: Final = "SET lock_configuration = true"

#: One row a row, at most a join with a small table: planning longer takes longer than it saves.
_WORTHWHILE: Final = frozenset({"unused_columns", "common_subexpressions"})


@dataclass(frozen=True, kw_only=True)
class Join:
    """A reference whose columns a row sees where its key and its time match; null elsewhere.

    Attributes:
        name: The reference's name in expressions: ``drug.package_size`` is a column of ``drug``.
        table: Its columns, ``key`` among them, and ``_from`` and ``_until``: the half-open interval
            (timestamp, UTC) in which a row is valid. At most one is valid for a key at any time.
        key: The key column of ``table``.
        on: Expression over the rows that gives the key. Where it fails, nothing is found.
        at: Expression over the rows that gives the time (timestamp, UTC); likewise.
    """

    name: str
    table: pa.Table
    key: str
    on: str
    at: str

    @cached_property
    def packed(self) -> pa.Table:
        """The table as the engine takes it: key, interval, and one struct of the columns.

        A struct, because a column of the reference may have the name of a column of the rows.
        """
        whole = self.table.combine_chunks()
        columns = [c for c in whole.column_names if c not in ("_from", "_until")]
        arrays = [one_array(whole.column(name)) for name in columns]
        fields = [whole.schema.field(name) for name in columns]
        return pa.table(
            {
                f"_key_{self.name}": whole.column(self.key),
                f"_from_{self.name}": whole.column("_from"),
                f"_until_{self.name}": whole.column("_until"),
                self.name: pa.StructArray.from_arrays(arrays, fields=fields),
            }
        )


class EvaluationError(PipelineError):
    """An expression fails on some row; the text says of which kind, and holds no value."""


class Engine:
    """Evaluates expressions over Arrow tables. Not for use by two threads at once.

    Args:
        functions: Functions of ours that expressions may call.
    """

    def __init__(self, functions: Iterable[Function] = ()) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        self._functions = {function.name: function for function in functions}
        self._names = frozenset(self._functions)
        for function in self._functions.values():
            self._connection.create_function(
                function.name,
                function.call,
                [sqltype(name) for name in function.takes],
                sqltype(function.gives),
                type=ARROW,
                # By default DuckDB refuses a null for what is no null, as ndc11 gives.
                null_handling=SPECIAL,
            )
        for setting in (*_SETTINGS, f"SET disabled_optimizers = '{_costly()}'", _LOCK):
            self._connection.execute(setting)

    def parse(self, sql: str) -> Expression:
        """Checks an expression; see ``Expression.parse``."""
        return Expression.parse(sql, self._names)

    def bind(self, sql: str, schema: pa.Schema, joins: Sequence[Join] = ()) -> pa.DataType:
        """Returns the type that an expression gives over rows of a schema.

        Raises:
            ConfigurationError: It is no pure expression, names a column that isn't there, or its
                types don't fit.
        """
        expression = self.parse(sql)
        _check_columns(expression, [*schema.names, *(join.name for join in joins)])
        named = [join for join in joins if join.name in _firsts([expression])]
        lookups = [self.parse(sql) for join in named for sql in (join.on, join.at)]
        read = _firsts([expression, *lookups])
        columns = pa.schema([field for field in schema if field.name.lower() in read])
        try:
            made = self._select(columns.empty_table(), {"value": expression.sql}, named)
        except duckdb.Error as error:
            # About the configuration, there being no row: may be shown.
            first = str(error).splitlines()[0]
            raise ConfigurationError(
                f"the expression {' '.join(sql.split())[:60]!r} doesn't fit the rows: {first}",
                "Correct it",
            ) from error
        return made.schema.field("value").type

    def select(
        self,
        table: pa.Table,
        columns: Mapping[str, str],
        joins: Sequence[Join] = (),
        *,
        where: str = "",
    ) -> pa.Table:
        """Returns one row of expressions per row, in the rows' order.

        Args:
            table: The rows.
            columns: Result column -> expression, checked before.
            joins: References that the expressions may name.
            where: Expression that keeps a row; empty keeps all. It sees the result columns too.

        Raises:
            EvaluationError: An expression fails on some row.
        """
        try:
            return self._select(table, columns, joins, where)
        except duckdb.Error as error:
            raise _without_values(error) from None

    def group(
        self, table: pa.Table, keys: Mapping[str, str], measures: Mapping[str, str], where: str = ""
    ) -> pa.Table:
        """Returns one row per group: keys and aggregates, ordered by the keys.

        Raises:
            EvaluationError: An expression fails on some row.
        """
        listed = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in {**keys, **measures}.items())
        numbers = ", ".join(str(number + 1) for number in range(len(keys)))
        query = f"SELECT {listed} FROM {_ROWS}{_where(where)}"
        if keys:
            query += f" GROUP BY {numbers} ORDER BY {numbers}"
        try:
            return self._run(query, {_ROWS: table})
        except duckdb.Error as error:
            raise _without_values(error) from None

    def _select(
        self,
        table: pa.Table,
        columns: Mapping[str, str],
        joins: Sequence[Join],
        where: str = "",
    ) -> pa.Table:
        parsed = {name: self.parse(sql) for name, sql in columns.items()}
        lookups = [self.parse(sql) for join in joins for sql in (join.on, join.at)]
        hoisted = Hoisted(table, [*parsed.values(), *lookups], self._functions)
        listed = ", ".join(
            f"{bracketed(hoisted.rewrite(each))} AS {quoted(name)}" for name, each in parsed.items()
        )
        keys = "".join(_key(n, hoisted.rewrite(each)) for n, each in enumerate(lookups))
        joined = "".join(_join(join, number) for number, join in enumerate(joins))
        query = (
            f"SELECT {listed}, {ROW_NUMBER} FROM (SELECT *{keys} FROM {_ROWS}){joined}"
            f"{_where(where)}"
        )
        numbers = pa.array(np.arange(table.num_rows))
        numbered = hoisted.table.append_column(ROW_NUMBER, numbers)
        tables = {_ROWS: numbered, **{f"_{join.name}": join.packed for join in joins}}
        return _in_order(self._run(query, tables))

    def _run(self, query: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        for name, table in tables.items():
            self._connection.register(name, _in_micros(table))
        try:
            return self._connection.sql(query).to_arrow_table()
        finally:
            for name in tables:
                self._connection.unregister(name)


@cache
def _costly() -> str:
    with duckdb.connect(":memory:") as connection:
        found = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    return ",".join(sorted({name for (name,) in found} - _WORTHWHILE))


#: The last millisecond, and with room to spare the last second, that has a microsecond's number.
_LAST: Final = {"ms": (2**63 - 1) // 1_000, "s": (2**63 - 1) // 1_000_000}


def _in_micros(table: pa.Table) -> pa.Table:
    """Returns the table with coarse times in microseconds, as DuckDB would make them.

    A time that no microsecond's number can tell, which a producer may send, becomes the last one
    that can: DuckDB fails on it when it scans the column, whatever the expression says of it.
    """
    for number, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and (last := _LAST.get(field.type.unit)):
            whole = table.column(number).cast(pa.int64())
            below = pc.min_element_wise(whole, last, skip_nulls=False)
            clamped = pc.max_element_wise(below, -last, skip_nulls=False)
            kind = pa.timestamp("us", field.type.tz)
            fine = pc.multiply(clamped, (2**63 - 1) // last).cast(kind)
            table = table.set_column(number, field.with_type(kind), fine)
    return table


def _firsts(expressions: Iterable[Expression]) -> set[str]:
    """Returns the first parts of the names in expressions, in lower case: columns, references."""
    return {column[0].lower() for each in expressions for column in each.columns}


def _check_columns(expression: Expression, known: Sequence[str]) -> None:
    # A name that is no column may still mean something to DuckDB: current_timestamp does.
    names = {name.lower() for name in known}
    for column in sorted(expression.columns):
        if column[0].lower() not in names:
            raise ConfigurationError(
                f"the expression {' '.join(expression.sql.split())[:60]!r} names "
                f"{'.'.join(column)}, which is no column",
                f"There are {', '.join(known)}",
            )


def _in_order(made: pa.Table) -> pa.Table:
    # A join gives them in another order where the planner finds it cheaper.
    numbers = np.asarray(made.column(ROW_NUMBER).to_numpy())
    plain = made.drop_columns([ROW_NUMBER])
    return plain if np.all(np.diff(numbers) > 0) else plain.take(pa.array(np.argsort(numbers)))


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition else ""


def _key(number: int, sql: str) -> str:
    # Once a row, ahead of the join; where it fails, nothing is found.
    return f", {tried(sql)} AS _lookup_{number}"


def _join(join: Join, number: int) -> str:
    name, key, time = join.name, f"_lookup_{2 * number}", f"_lookup_{2 * number + 1}"
    return (
        f" LEFT JOIN _{name} ON _key_{name} = {key}"
        f" AND _from_{name} <= {time} AND _until_{name} > {time}"
    )


def _without_values(error: duckdb.Error) -> EvaluationError:
    # DuckDB's text shows the value at fault: only the kind of the error may be told.
    kind = type(error).__name__.removesuffix("Exception")
    return EvaluationError(
        f"an expression fails on some row ({kind})", "Guard it, for instance with TRY_CAST"
    )
