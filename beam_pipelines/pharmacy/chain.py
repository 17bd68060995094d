"""What a configuration makes of the rows between Kafka and the lake, checked as a whole.

Each part is checked against the rows that the parts before it give, so that a faulty rule, column,
mask or aggregate is refused before anything is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from beam_pipelines.masking.datasets import dataset_mask
from beam_pipelines.pharmacy.config import PharmacyConfig
from beam_pipelines.pharmacy.config.files import rule_file
from beam_pipelines.pharmacy.config.model import DatasetConfig
from beam_pipelines.pharmacy.limits import limit_rules, stored_columns
from schemas.arrow_types import arrow_schema
from transforms.avro.enforce import LINEAGE
from transforms.errors import ConfigurationError
from transforms.identifiers import LINK_TYPE
from transforms.masking import Action, DatasetMask, MaskConfig, masked_schema
from transforms.masking.actions import KEYED
from transforms.quality import LimitRule, RuleSet, load_rules
from transforms.quality.validate import WARNINGS_FIELD
from transforms.references import References, checking_engine
from transforms.sql import Engine, Join
from transforms.tables import DerivedColumns, TableFunction
from transforms.tables.mapping import output_schema
from transforms.windows import AggregateWindows


@dataclass(frozen=True)
class Chain:
    """The transforms between Kafka and the lake.

    Attributes:
        rules: Of ``Validate``.
        steps: Of ``MapTables``.
        masks: Of ``MaskFields``.
        limits: Of ``EnforceLimits``.
        aggregates: Derived by the sink.
        schemas: Per dataset the rows as the lake holds them.
    """

    rules: RuleSet
    steps: tuple[TableFunction | DerivedColumns, ...]
    masks: MaskConfig
    limits: tuple[LimitRule, ...]
    aggregates: tuple[AggregateWindows, ...]
    schemas: Mapping[str, pa.Schema]

    @property
    def reference_datasets(self) -> frozenset[str]:
        """The datasets whose committed rows the others look up: they are drained first."""
        return frozenset(spec.dataset for spec in self.rules.references.values())


def make_chain(config: PharmacyConfig) -> Chain:
    """Returns the transforms of a configuration.

    Raises:
        ConfigurationError: A part doesn't fit what comes before it; names the part and the remedy.
    """
    fields = {name: arrow_schema(reader) for name, reader in config.readers().items()}
    files = [rule_file(name) for name in config.rules.files]
    masks = mask_config(config)
    kept = _kept(fields, masks)
    rules = load_rules(*files, schemas=fields, committed=kept) if files else RuleSet()
    _check_entities(rules, masks)
    steps = tuple(_steps(config))
    references = References(rules.references, schemas=kept)
    schemas: dict[str, pa.Schema] = {}
    limits: list[LimitRule] = []
    for name, schema in fields.items():
        mapped = _mapped(_enforced(name, schema, rules), name, steps, references)
        schemas[name] = masked_schema(mapped, masks, name)
        columns = stored_columns(
            name,
            mapped=mapped,
            stored=schemas[name],
            lengths=config.lengths(name),
            masks=masks,
            rules=rules,
        )
        limits += limit_rules(name, columns)
    aggregates = tuple(AggregateWindows(each) for each in config.aggregates)
    for each in aggregates:
        each.check(schemas[each.aggregate.dataset])
    return Chain(rules, steps, masks, tuple(limits), aggregates, schemas)


def mask_config(config: PharmacyConfig) -> MaskConfig:
    """Returns the masks of a configuration.

    Raises:
        ConfigurationError: A field has no class or no decision, or an override loosens the policy.
    """
    masking = config.masking
    link_key = masking.link_key or masking.key
    masks = MaskConfig(
        policy=masking.policy,
        domain=masking.domain,
        key=masking.key,
        key_version=masking.key_version,
        link_key=link_key if masking.links else None,
        overrides={
            f"{dataset}.{field}": action
            for dataset, fields in masking.fields.items()
            for field, action in fields.items()
        },
        datasets={each.dataset: _mask(config, each.dataset) for each in config.topics},
    )
    decided = [one.action for name in masks.datasets for one in masks.decisions(name)]
    if KEYED.intersection(decided):
        return masks
    # A policy that makes no pseudonyms must not ask for a key, not even for its links.
    return replace(masks, key=None, link_key=masking.link_key if masking.links else None)


def _mask(config: PharmacyConfig, dataset: str) -> DatasetMask:
    topic = next(each for each in config.topics if each.dataset == dataset)
    own = config.datasets.get(dataset, DatasetConfig())
    added = {name: column.cls for name, column in own.columns.items()}
    for function in own.functions:
        added.update(function.columns)
    usual = dataset_mask(topic.reader(), topic.event_time_column())
    return replace(
        usual,
        patient=own.patient or usual.patient,
        country=own.country or usual.country,
        derived=added,
        links=config.masking.links.get(dataset, {}),
    )


def _steps(config: PharmacyConfig) -> Iterator[TableFunction | DerivedColumns]:
    for dataset, own in config.datasets.items():
        for function in own.functions:
            yield TableFunction(
                dataset=dataset,
                function=function.function(),
                version=function.version,
                columns=function.columns,
            )
        if own.columns:
            yield DerivedColumns(
                dataset=dataset,
                expressions={name: column.sql for name, column in own.columns.items()},
                classes={name: column.cls for name, column in own.columns.items()},
            )


def _kept(fields: Mapping[str, pa.Schema], masks: MaskConfig) -> dict[str, pa.Schema]:
    """Returns what references can be looked up by: columns as they came, and links."""
    return {
        name: pa.schema(
            [
                *(
                    schema.field(one.column)
                    for one in masks.decisions(name)
                    if one.action is Action.KEEP and one.column in schema.names
                ),
                *(pa.field(link, LINK_TYPE) for link in masks.datasets[name].links),
            ]
        )
        for name, schema in fields.items()
    }


def _check_entities(rules: RuleSet, masks: MaskConfig) -> None:
    """Refuses a lookup by links of another thing than those that the lake holds."""
    for name, spec in rules.references.items():
        held = masks.datasets[spec.dataset].links.get(spec.key)
        if spec.link is None or held is None:
            continue
        if (spec.link.entity, len(spec.link.of)) != (held.entity, len(held.of)):
            raise ConfigurationError(
                f"the reference {name} is looked up by links of {spec.link.entity}, and "
                f"{spec.dataset}.{spec.key} holds those of {held.entity}",
                "Name one entity in both, by as many columns",
            )


def _enforced(dataset: str, fields: pa.Schema, rules: RuleSet) -> pa.Schema:
    warnings = [WARNINGS_FIELD] if rules.of(dataset) else []
    return pa.schema([*LINEAGE, *warnings, *fields])


def _mapped(
    schema: pa.Schema,
    dataset: str,
    steps: tuple[TableFunction | DerivedColumns, ...],
    references: References,
) -> pa.Schema:
    for step in steps:
        if step.dataset != dataset:
            continue
        if isinstance(step, TableFunction):
            schema = output_schema(step, schema)
        else:
            schema = _derived(schema, step, references)
    return schema


def _derived(schema: pa.Schema, step: DerivedColumns, references: References) -> pa.Schema:
    engine = checking_engine(references.specs)
    joins = references.declared(step.dataset)
    made = []
    for name, sql in step.expressions.items():
        place = f"datasets.{step.dataset}.columns.{name}"
        made.append(pa.field(name, _bind(engine, place, sql, schema, joins)))
    return pa.schema([*schema, *made])


def _bind(
    engine: Engine, place: str, sql: str, schema: pa.Schema, joins: Sequence[Join]
) -> pa.DataType:
    try:
        return engine.bind(sql, schema, joins)
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error.what}", error.remedy) from error
