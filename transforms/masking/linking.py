"""Link columns of a dataset: whether they fit it, and how they are made for its tables."""

from collections.abc import Collection, Iterable, Mapping

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.identifiers import LINK_TYPE, Link, LinkKeys, Links, has_canonical
from transforms.masking.actions import Action
from transforms.masking.decisions import Decision
from transforms.segment import one_array


def check_links(
    links: Mapping[str, Link], columns: Collection[str], types: Mapping[str, pa.DataType]
) -> None:
    """Checks that links fit a dataset's columns.

    Args:
        links: Column that is added -> its link.
        columns: The dataset's columns.
        types: Their types, as far as they are known.

    Raises:
        ConfigurationError: A link has the name of a column, is of an unknown one, or of one whose
            values have no canonical text.
    """
    for name, link in links.items():
        if name in columns or name.startswith("_"):
            raise ConfigurationError(
                f"the link {name} has the name of a column, or one of the pipeline's own",
                "Give it another name, without _ in front",
            )
        for part in link.of:
            if part not in columns:
                raise ConfigurationError(
                    f"the link {name} is of {part}, which is no column",
                    f"There are {', '.join(columns)}",
                )
            kind = types.get(part)
            if kind is not None and not has_canonical(kind):
                raise ConfigurationError(
                    f"the link {name} is of {part}, which is {kind}",
                    "Link texts, integers, dates and timestamps of microseconds or coarser",
                )


def hidden_part(links: Mapping[str, Link], decisions: Iterable[Decision]) -> str | None:
    """Returns the first link that is of a column which isn't kept as it is; None if none is."""
    kept = {one.column for one in decisions if one.action is Action.KEEP}
    return next((name for name, link in links.items() if not kept.issuperset(link.of)), None)


def link_fields(links: Mapping[str, Link], schema: pa.Schema) -> list[pa.Field]:
    """Returns the link columns of a table with these columns.

    Raises:
        ConfigurationError: A link doesn't fit them; see ``check_links``.
    """
    check_links(links, schema.names, {field.name: field.type for field in schema})
    return [pa.field(name, LINK_TYPE) for name in links]


class Linker:
    """Makes the link columns of a dataset's tables.

    Args:
        links: Column that is added -> its link.
        keys: The keys of the entities.
    """

    def __init__(self, links: Mapping[str, Link], keys: LinkKeys) -> None:
        self._links = links
        # One maker per entity, so that columns of one entity share what is remembered.
        self._makers = {link.entity: Links(keys.of(link.entity)) for link in links.values()}

    def column(self, name: str, table: pa.Table) -> pa.Array:
        """Returns a link column for the rows of a table that isn't masked yet."""
        link = self._links[name]
        return self._makers[link.entity].of([one_array(table.column(part)) for part in link.of])
