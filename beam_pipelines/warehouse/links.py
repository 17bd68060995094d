"""Which columns of the star hold links: numbers by which persons could be followed for ever."""

from collections.abc import Collection, Iterable, Mapping

from transforms.redshift.star import Scd2Table, StarTable, UpsertTable


def link_columns(links: Mapping[str, Collection[str]], star: Iterable[StarTable]) -> frozenset[str]:
    """Returns the names of all columns with links, those of versions too.

    A pseudonym changes when the masking key does; a link never, since tables are joined by it. So
    it is for the loader's joins, not for people. The key of a version of a dimension is one, too:
    that of an inferred member is the link itself.

    Args:
        links: Dataset -> columns that hold links.
        star: Dimensions and facts.
    """
    found = {column for columns in links.values() for column in columns}
    for table in star:
        if isinstance(table, Scd2Table) and table.key in found:
            found.add(table.surrogate)
        if isinstance(table, UpsertTable):
            found |= {each.column for each in table.bindings if each.dimension.key in found}
    return frozenset(found)
