"""What a warehouse takes from a lake, from the configuration that fills the lake."""

from beam_pipelines.pharmacy.chain import make_chain
from beam_pipelines.pharmacy.config import PharmacyConfig
from transforms.redshift import LoadPlan, RawTable


def load_plan(config: PharmacyConfig) -> LoadPlan:
    """Returns one raw table a dataset, with the columns that the lake holds of it.

    Args:
        config: The job's. Its masking policy decides the columns' types, its lengths how much
            texts may take: the lake holds none that is longer.
    """
    topics: dict[str, list[str]] = {}
    for each in config.topics:
        topics.setdefault(each.dataset, []).append(each.topic)
    schemas = make_chain(config).schemas
    return LoadPlan(
        tuple(
            RawTable(
                dataset=name,
                topics=tuple(carrying),
                schema=schemas[name],
                lengths=config.lengths(name),
            )
            for name, carrying in sorted(topics.items())
        )
    )
