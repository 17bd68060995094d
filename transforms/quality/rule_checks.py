"""Rules against the schemas: do names, types and references fit?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.identifiers import LINK_TYPE
from transforms.quality.rules import Rule
from transforms.references import (
    ReferenceSpec,
    check_linked,
    check_lookups,
    check_where,
    checking_engine,
    declared_joins,
    needed_columns,
    packaged_columns,
)
from transforms.sql import Join

#: "Now" in a rule, and all of the lineage that a verdict may depend on.
TIMESTAMP: Final = pa.field("_timestamp", pa.timestamp("ms", "UTC"), nullable=False)


def row_schema(columns: pa.Schema) -> pa.Schema:
    """Returns the columns that a rule may name: the dataset's, and ``_timestamp``."""
    return pa.schema([TIMESTAMP, *(f for f in columns if f.name != TIMESTAMP.name)])


class RuleChecker:
    """Checks rules, one by one.

    Args:
        references: What the rules may look up.
        schemas: Per dataset its columns; those of the packaged datasets by default.
        committed: Per dataset that references hold, the columns that masks leave as they are, and
            links; by default the columns of ``schemas``, and whatever link is a reference's key.
    """

    def __init__(
        self,
        references: Mapping[str, ReferenceSpec],
        schemas: Mapping[str, pa.Schema] | None = None,
        committed: Mapping[str, pa.Schema] | None = None,
    ) -> None:
        self._engine = checking_engine(references)
        self._schemas = dict(packaged_columns() if schemas is None else schemas)
        self._committed = {**_with_keys(self._schemas, references), **(committed or {})}
        self._references = references
        self._faulty: dict[str, str] = {}
        self._joins = {name: self._checked(name, spec) for name, spec in references.items()}

    def reference_faults(self) -> Iterator[tuple[str, str]]:
        """Yields the references that fit nothing, with the reason."""
        yield from self._faulty.items()

    def faults(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """Yields what is wrong with a rule: the key at fault, and the reason."""
        schema = self._schemas.get(rule.dataset)
        if schema is None:
            yield "dataset", f"the dataset {rule.dataset} is not known: there are {self._known}"
            return
        if rule.field not in schema.names:
            yield "field", f"{rule.dataset} has no field {rule.field}"
        key = "check" if rule.expect is None else "expect"
        joins = self._of(rule.dataset)
        try:
            for reason in self._strangers(rule, joins):
                yield key, reason
                return
            kind = self._engine.bind(rule.expression, row_schema(schema), joins)
        except ConfigurationError as error:
            yield key, error.what
            return
        if kind != pa.bool_():
            yield key, f"the expression gives {kind}, a rule must give true or false"

    def _strangers(self, rule: Rule, joins: Sequence[Join]) -> Iterator[str]:
        needed = needed_columns([self._engine.parse(rule.expression)])
        yield from (reason for name, reason in self._faulty.items() if name in needed)
        for join in joins:
            held = {name.lower() for name in join.table.column_names}
            for column in sorted(needed.get(join.name, set()) - held):
                dataset = self._references[join.name].dataset
                yield f"{join.name} has no column {column}: {dataset} lacks it, or a mask hides it"

    @property
    def _known(self) -> str:
        return ", ".join(sorted(self._schemas))

    def _of(self, dataset: str) -> list[Join]:
        return [made[dataset] for made in self._joins.values() if dataset in made]

    def _checked(self, name: str, spec: ReferenceSpec) -> dict[str, Join]:
        joins: dict[str, Join] = {}
        for dataset in spec.lookup:
            try:
                if dataset not in self._schemas:
                    raise ConfigurationError(
                        f"the reference {name} is looked up by {dataset}, which is not known"
                    )
                (join,) = declared_joins({name: spec}, dataset, self._committed)
                columns = row_schema(self._schemas[dataset])
                check_linked(spec, dataset, columns)
                check_lookups(self._engine, [join], columns)
                check_where(self._engine, spec, self._committed[spec.dataset])
            except ConfigurationError as error:
                self._faulty.setdefault(name, error.what)
            else:
                joins[dataset] = join
        return joins


def _with_keys(
    schemas: Mapping[str, pa.Schema], references: Mapping[str, ReferenceSpec]
) -> dict[str, pa.Schema]:
    """Returns schemas with the links that references have for keys: a configuration makes them."""
    made = dict(schemas)
    for spec in references.values():
        held = made.get(spec.dataset)
        if spec.link is not None and held is not None and spec.key not in held.names:
            made[spec.dataset] = held.append(pa.field(spec.key, LINK_TYPE))
    return made
