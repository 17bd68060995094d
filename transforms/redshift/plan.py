"""What is loaded: which dataset goes to which raw table, and what is made of them."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from transforms.errors import ConfigurationError
from transforms.redshift.partials import PartialsTable
from transforms.redshift.raw import RawTable
from transforms.redshift.star import StarTable
from transforms.topics import AnyOf


@dataclass(frozen=True)
class LoadPlan:
    """All that a warehouse takes from a lake.

    Attributes:
        tables: The raw tables, one a dataset.
        star: Dimensions and facts, a dimension before the facts that are bound to it.
        partials: The tables of aggregates' partials.
        views: Name -> query; see ``transforms.redshift.views``.
    """

    tables: tuple[RawTable, ...]
    star: tuple[StarTable, ...] = field(default=())
    partials: tuple[PartialsTable, ...] = field(default=())
    views: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [each.table for each in (*self.loaded, *self.star)] + list(self.views)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"the table {twice} is there twice", "Name each once")
        for each in self.star:
            foreign = next((raw.table for raw in each.sources if raw not in self.tables), None)
            if foreign is not None:
                raise ConfigurationError(
                    f"{each.table} is built from {foreign}, which isn't loaded", "Load it, too"
                )

    @property
    def loaded(self) -> tuple[RawTable | PartialsTable, ...]:
        """The tables that commits are loaded into: each has fences of its own."""
        return (*self.tables, *self.partials)

    @property
    def topics(self) -> Container[str]:
        """The topics whose commits are read."""
        return AnyOf(tuple(each.topics for each in self.loaded))

    def of(self, topic: str) -> list[RawTable | PartialsTable]:
        """Returns the tables that a topic's commits feed."""
        return [each for each in self.loaded if topic in each.topics]
