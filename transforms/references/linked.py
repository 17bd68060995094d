"""The functions by which events give the links that references have for keys."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.identifiers import Link, LinkKeys, Links
from transforms.references.spec import ReferenceSpec, link_function
from transforms.sql import Engine, Function
from transforms.sql.functions import FUNCTIONS
from transforms.sql.functions.texts import Column, whole


def link_functions(specs: Mapping[str, ReferenceSpec], keys: LinkKeys) -> tuple[Function, ...]:
    """Returns one function for each reference whose key is a link.

    Args:
        specs: The references by name.
        keys: The keys of links.
    """
    return tuple(_functions(specs, keys))


def checking_engine(specs: Mapping[str, ReferenceSpec]) -> Engine:
    """Returns an engine that binds expressions which may look up references. It evaluates none."""
    # So whose links they are is no matter.
    return Engine((*FUNCTIONS, *link_functions(specs, LinkKeys(None, domain=""))))


def has_links(specs: Mapping[str, ReferenceSpec]) -> bool:
    """Tells whether the key of any reference is a link."""
    return any(spec.link is not None for spec in specs.values())


def check_linked(spec: ReferenceSpec, dataset: str, columns: pa.Schema) -> None:
    """Checks the columns by which rows of a dataset give a link.

    Raises:
        ConfigurationError: One isn't there, or is no text: what SQL makes a text of is spelled
            otherwise than links are.
    """
    link = spec.lookup[dataset]
    for name in link.of if isinstance(link, Link) else ():
        if name not in columns.names:
            raise ConfigurationError(
                f"lookup takes the link of {name}, which {dataset} lacks",
                f"There are {', '.join(columns.names)}",
            )
        kind = columns.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise ConfigurationError(
                f"lookup takes the link of {name}, which is {kind}", "Name columns of text"
            )


def _functions(specs: Mapping[str, ReferenceSpec], keys: LinkKeys) -> Iterator[Function]:
    for name, spec in specs.items():
        link = spec.link
        if link is not None:
            yield Function(
                name=link_function(name),
                call=_Call(Links(keys.of(link.entity))),
                takes=("VARCHAR",) * len(link.of),
                gives="BIGINT",
                doc=f"The link of the entity {link.entity}.",
            )


class _Call:
    """Makes links of columns as the engine passes them."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def __call__(self, *columns: Column) -> pa.Array:
        return self._links.of([whole(column) for column in columns])
