"""References as the SQL engine joins them, pruned to the columns that expressions name."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.identifiers import LINK_TYPE
from transforms.references.spec import ReferenceSpec
from transforms.references.versions import FROM, TIME, UNTIL
from transforms.sql import Engine, Expression, Join
from transforms.sql.engine import ROW_NUMBER
from transforms.sql.pieces import tried


def declared_joins(
    specs: Mapping[str, ReferenceSpec], dataset: str, schemas: Mapping[str, pa.Schema]
) -> list[Join]:
    """Returns the references that a dataset may look up, without rows: for checking expressions.

    Args:
        specs: All references.
        dataset: The dataset whose expressions are checked.
        schemas: Per dataset its columns, those of the references' datasets among them.

    Raises:
        ConfigurationError: A reference names a dataset or a column that isn't there, its effective
            time is no timestamp, or its key is no link where it must be one.
    """
    mine = {name: spec for name, spec in specs.items() if dataset in spec.lookup}
    return [
        _join(name, spec, dataset, _declared(name, spec, schemas)) for name, spec in mine.items()
    ]


def pruned_join(
    name: str, spec: ReferenceSpec, dataset: str, rows: pa.Table, needed: Iterable[str]
) -> Join:
    """Returns a reference with its versions and only some of its columns.

    Args:
        name: What expressions call it.
        spec: The reference.
        dataset: The dataset that looks it up.
        rows: What ``versions`` gives.
        needed: The columns that expressions name, in any case, as SQL has it.

    Raises:
        ConfigurationError: The committed rows lack a column: the masking policy dropped it.
    """
    held = {column.lower(): column for column in rows.column_names}
    wanted = {spec.key.lower(), FROM, UNTIL, *(column.lower() for column in needed)}
    missing = sorted(wanted - set(held))
    if missing:
        raise ConfigurationError(
            f"the lake's dataset {spec.dataset} has no column {missing[0]}, which expressions over "
            f"{dataset} name as {name}.{missing[0]}",
            "A masking policy that drops the column takes it from rules and derived columns, too: "
            "name another column, or keep this one",
        )
    kept = [column for lower, column in held.items() if lower in wanted]
    return _join(name, spec, dataset, rows.select(kept))


def needed_columns(expressions: Iterable[Expression]) -> dict[str, set[str]]:
    """Returns the columns that expressions name, by the first part of the name, in lower case.

    ``drug.package_size`` gives ``{"drug": {"package_size"}}``, ``ndc`` gives ``{"ndc": set()}``.
    """
    needed: dict[str, set[str]] = {}
    for expression in expressions:
        for first, *rest in expression.columns:
            needed.setdefault(first.lower(), set()).update(part.lower() for part in rest[:1])
    return needed


def _join(name: str, spec: ReferenceSpec, dataset: str, table: pa.Table) -> Join:
    on, at = spec.match(name, dataset)
    return Join(name=name, table=table, key=spec.key, on=on, at=at)


def _declared(name: str, spec: ReferenceSpec, schemas: Mapping[str, pa.Schema]) -> pa.Table:
    if spec.dataset not in schemas:
        raise ConfigurationError(
            f"the reference {name} names the dataset {spec.dataset}, which is not known",
            f"There are {', '.join(schemas)}",
        )
    schema = schemas[spec.dataset]
    for column in (spec.key, spec.effective):
        if column not in schema.names:
            raise ConfigurationError(
                f"the reference {name} names the column {column}, which {spec.dataset} lacks",
                f"It has {', '.join(schema.names)}",
            )
    if spec.link is not None and schema.field(spec.key).type != LINK_TYPE:
        raise ConfigurationError(
            f"the reference {name} takes {spec.key} for its key, which is no link",
            f"Name a link column of {spec.dataset}; masking.links of the configuration makes them",
        )
    if not pa.types.is_timestamp(schema.field(spec.effective).type):
        raise ConfigurationError(
            f"the reference {name} takes {spec.effective} for its time, which is no timestamp",
            "Name a column that tells from when on a version is valid",
        )
    bounds = [pa.field(FROM, TIME), pa.field(UNTIL, TIME)]
    return pa.schema([*schema, *bounds]).empty_table()


def check_lookups(engine: Engine, joins: Sequence[Join], columns: pa.Schema) -> None:
    """Checks that references fit the rows that look them up.

    Args:
        engine: Knows the functions that expressions may call.
        joins: What ``declared_joins`` gives.
        columns: The rows' columns.

    Raises:
        ConfigurationError: A reference has the name of a column, an expression doesn't fit, or a
            time is no timestamp with a zone.
    """
    for join in joins:
        if join.name in (name.lower() for name in columns.names):
            raise ConfigurationError(
                f"the reference {join.name} has the name of a column", "Name it otherwise"
            )
        engine.bind(join.on, columns)
        kind = engine.bind(join.at, columns)
        if not pa.types.is_timestamp(kind) or kind.tz is None:
            raise ConfigurationError(
                f"the reference {join.name} looks at the time {join.at}, which is {kind}",
                "Give a timestamp with a zone, for instance CAST(day AS TIMESTAMPTZ)",
            )


def check_where(engine: Engine, spec: ReferenceSpec, columns: pa.Schema) -> None:
    """Checks which of its rows a reference takes.

    Args:
        engine: Knows the functions that expressions may call.
        spec: The reference.
        columns: The columns of its committed rows.

    Raises:
        ConfigurationError: The expression doesn't fit, or gives no truth value.
    """
    if spec.where is not None and engine.bind(spec.where, columns) != pa.bool_():
        raise ConfigurationError("where gives no true or false", "Compare something")


def rows_of(engine: Engine, spec: ReferenceSpec, rows: pa.Table) -> pa.Table:
    """Returns the committed rows that a reference takes; one on which ``where`` fails is none."""
    if spec.where is None:
        return rows
    found = engine.select(rows, {"row": ROW_NUMBER}, where=tried(spec.where))
    return rows.take(found.column("row"))
