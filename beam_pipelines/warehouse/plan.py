"""What a warehouse takes from a lake, from the configuration that fills the lake."""

from beam_pipelines.pharmacy.chain import Chain, make_chain
from beam_pipelines.pharmacy.config import PharmacyConfig
from beam_pipelines.warehouse.links import link_columns
from beam_pipelines.warehouse.partials import partials_tables
from beam_pipelines.warehouse.star import build_star, expand_views
from schemas.arrow_types import arrow_schema
from transforms.redshift import LoadPlan, RawTable


def load_plan(config: PharmacyConfig, chain: Chain | None = None) -> LoadPlan:
    """Returns one raw table a dataset, with the columns that the lake holds of it, and the star.

    Each aggregate has a table of its partials, and a view of its own name that merges them.

    Args:
        config: The job's. Its masking policy decides the columns' types, its lengths how much
            texts may take: the lake holds none that is longer.
        chain: Of the configuration, if it is made already; making it is most of the work.

    Raises:
        ConfigurationError: A table of the star or of partials doesn't fit the datasets.
    """
    chain = chain or make_chain(config)
    raws = {
        name: RawTable(
            dataset=name,
            topics=config.carrying((name,)),
            schema=chain.schemas[name],
            lengths=config.lengths(name),
        )
        for name in sorted({each.dataset for each in config.topics})
    }
    fields = {name: arrow_schema(reader).names for name, reader in config.readers().items()}
    partials = tuple(partials_tables(chain.aggregates, raws))
    star = build_star(config.warehouse, raws, fields)
    views = expand_views(config.warehouse.views, star, link_columns(config.masking.links, star))
    return LoadPlan(
        tuple(raws.values()),
        star,
        partials,
        {**{each.aggregate: each.view() for each in partials}, **views},
    )
