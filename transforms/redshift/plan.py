"""What is loaded: which dataset goes to which raw table, and which tables are built from them."""

from dataclasses import dataclass, field

from transforms.errors import ConfigurationError
from transforms.redshift.raw import RawTable
from transforms.redshift.star import StarTable


@dataclass(frozen=True)
class LoadPlan:
    """All that a warehouse takes from a lake.

    Attributes:
        tables: The raw tables, one a dataset.
        star: Dimensions and facts, a dimension before the facts that are bound to it.
    """

    tables: tuple[RawTable, ...]
    star: tuple[StarTable, ...] = field(default=())

    def __post_init__(self) -> None:
        names = [*(raw.table for raw in self.tables), *(each.table for each in self.star)]
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
    def topics(self) -> frozenset[str]:
        """The topics whose commits are read."""
        return frozenset(topic for each in self.tables for topic in each.topics)

    def of(self, topic: str) -> list[RawTable]:
        """Returns the tables that a topic's commits feed."""
        return [each for each in self.tables if topic in each.topics]
