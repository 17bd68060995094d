"""An aggregate over rows of a schema, checked and put into SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.sql.engine import Engine
from transforms.sql.pieces import bracketed, failed, quoted, tried
from transforms.windows.sketches import bucket_sql
from transforms.windows.spec import Aggregate, Measure

#: Columns that are added to the rows: the window's number, and whether the zone is at fault.
NUMBER: Final = "_window_number"
FAULT: Final = "_zone_fault"

#: Digits that a summand may have, so that a sum of 38 holds 10^10 of the largest ones.
MAX_DIGITS: Final = 28
#: The digits of Arrow's decimal128.
SUM_DIGITS: Final = 38


@dataclass(frozen=True)
class Plan:
    """What to ask the engine.

    Attributes:
        aggregate: The aggregate.
        reads: The columns of the rows that it needs.
        keys: Result column -> SQL; the window's number first, then the dimensions.
        measures: Result column -> SQL.
        where: SQL; empty for all rows.
        careful_measures: As ``measures``, where an expression that fails on a row is null for it.
        careful_where: As ``where``, where a row on which it fails is kept.
    """

    aggregate: Aggregate
    reads: tuple[str, ...]
    keys: Mapping[str, str]
    measures: Mapping[str, str]
    where: str
    careful_measures: Mapping[str, str]
    careful_where: str


def make_plan(aggregate: Aggregate, schema: pa.Schema, engine: Engine) -> Plan:
    """Checks an aggregate against the schema of its dataset's rows.

    Raises:
        ConfigurationError: A column is missing or of a type that doesn't serve, or an expression
            doesn't fit; names the aggregate and the place.
    """
    kinds = _check(aggregate, schema, engine)
    keys = {name: quoted(name) for name in (NUMBER, *aggregate.dimensions)}
    expressions = [m.sql for m in aggregate.measures.values() if m.sql.strip()]
    expressions += [aggregate.where] if aggregate.where.strip() else []
    zone_fault = FAULT if aggregate.zone_column else "false"
    any_fault = " OR ".join([zone_fault, *(failed(sql) for sql in expressions)])
    where, careful_where = "", ""
    if aggregate.where.strip():
        where = bracketed(aggregate.where)
        careful_where = f"coalesce({tried(aggregate.where)}, {failed(aggregate.where)})"
    return Plan(
        aggregate,
        reads=_reads(aggregate, schema, engine, expressions),
        keys=keys,
        measures=_measures(aggregate, kinds, bracketed, zone_fault),
        where=where,
        careful_measures=_measures(aggregate, kinds, tried, any_fault),
        careful_where=careful_where,
    )


def _measures(
    aggregate: Aggregate,
    kinds: Mapping[str, pa.DataType],
    wrap: Callable[[str], str],
    fault: str,
) -> dict[str, str]:
    return {
        "rows": "count(*)",
        "faults": f"count(*) FILTER (WHERE {fault})",
        **{n: _measure(m, kinds[n], wrap) for n, m in aggregate.measures.items()},
    }


def _measure(measure: Measure, kind: pa.DataType, wrap: Callable[[str], str]) -> str:
    if not measure.sql.strip():
        return "count(*)"
    sql = wrap(measure.sql)
    if measure.kind == "count":
        return f"count(*) FILTER (WHERE {sql})"
    if measure.kind == "sum":
        scale = kind.scale if pa.types.is_decimal(kind) else 0
        return f"CAST(sum({sql}) AS DECIMAL({SUM_DIGITS}, {scale}))"
    if measure.kind == "distinct":
        return f"list(DISTINCT CAST({sql} AS VARCHAR)) FILTER (WHERE {sql} IS NOT NULL)"
    if measure.kind == "quantiles":
        bucket = bucket_sql(f"CAST({sql} AS DOUBLE)", measure.accuracy)
        return f"map_entries(histogram({bucket}))"
    # The two zeros of floats are equal, and either could be the least.
    plain = f"CASE WHEN {sql} = 0 THEN 0 ELSE {sql} END" if pa.types.is_floating(kind) else sql
    return f"{measure.kind}({plain})"


def _reads(
    aggregate: Aggregate, schema: pa.Schema, engine: Engine, expressions: list[str]
) -> tuple[str, ...]:
    named = {aggregate.time, *aggregate.dimensions}
    if aggregate.zone_column:
        named.add(aggregate.zone_column)
    for sql in expressions:
        named |= {column[0] for column in engine.parse(sql).columns}
    lower = {name.lower() for name in named}
    return tuple(name for name in schema.names if name.lower() in lower)


def _check(aggregate: Aggregate, schema: pa.Schema, engine: Engine) -> dict[str, pa.DataType]:
    """Returns the type of each measure's expression."""
    whole = f"the aggregate {aggregate.name}"
    time = _column(aggregate.time, schema, f"{whole}, time")
    if not (pa.types.is_timestamp(time) and time.tz):
        raise ConfigurationError(
            f"{whole}: the column {aggregate.time} is {time}, not a timestamp of UTC",
            "Name another column as its time",
        )
    zone = aggregate.zone_column
    if zone is not None and not _is_text(_column(zone, schema, f"{whole}, zone")):
        raise ConfigurationError(f"{whole}: the column {zone} holds no texts", "Name another zone")
    for name in aggregate.dimensions:
        kind = _column(name, schema, f"{whole}, dimensions")
        if pa.types.is_nested(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
            raise ConfigurationError(
                f"{whole}: the column {name} is {kind}, which is no dimension",
                "Use texts, integers, decimals, dates, times or booleans",
            )
    if aggregate.where.strip():
        _require_bool(_bound(aggregate.where, schema, engine, f"{whole}, where"), f"{whole}, where")
    return {
        name: _check_measure(measure, schema, engine, f"{whole}, measure {name}")
        for name, measure in aggregate.measures.items()
    }


def _check_measure(measure: Measure, schema: pa.Schema, engine: Engine, place: str) -> pa.DataType:
    if not measure.sql.strip():
        return pa.bool_()
    kind = _bound(measure.sql, schema, engine, place)
    if measure.kind == "count":
        _require_bool(kind, place)
    elif measure.kind == "sum":
        _require_exact(kind, place)
    elif measure.kind == "quantiles":
        if not (_is_number(kind) or pa.types.is_floating(kind)):
            raise ConfigurationError(
                f"{place}: quantiles of {kind}", "Use an expression of numbers"
            )
    elif pa.types.is_nested(kind) or (measure.kind == "distinct" and pa.types.is_floating(kind)):
        raise ConfigurationError(
            f"{place}: {measure.kind} of {kind}", "Use an expression of texts, times or integers"
        )
    return kind


def _require_exact(kind: pa.DataType, place: str) -> None:
    if not _is_number(kind):
        raise ConfigurationError(
            f"{place}: a sum of {kind}, which depends on the order of adding",
            "Use integers or decimals, for instance CAST(... AS DECIMAL(18, 3))",
        )
    if pa.types.is_decimal(kind) and kind.precision > MAX_DIGITS:
        raise ConfigurationError(
            f"{place}: a sum of {kind}, which may overflow its {SUM_DIGITS} digits",
            f"CAST it to a decimal of at most {MAX_DIGITS} digits, or to BIGINT",
        )


def _require_bool(kind: pa.DataType, place: str) -> None:
    if not pa.types.is_boolean(kind):
        raise ConfigurationError(f"{place}: must be true or false, but is {kind}", "Correct it")


def _bound(sql: str, schema: pa.Schema, engine: Engine, place: str) -> pa.DataType:
    try:
        return engine.bind(sql, schema)
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error.what}", error.remedy) from error


def _column(name: str, schema: pa.Schema, place: str) -> pa.DataType:
    if name not in schema.names:
        raise ConfigurationError(
            f"{place}: {name} is no column of the rows, perhaps dropped by the masking policy",
            f"There are {', '.join(schema.names)}",
        )
    kind = schema.field(name).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
