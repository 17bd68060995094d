"""Dimensions of which only the members are known: their columns are parts of the key itself."""

from dataclasses import dataclass

from transforms.redshift.layout import Column
from transforms.redshift.raw import LOAD_ID, RawTable
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.star.table import TOUCHED, StarTable, check_columns, column_of, unseen


@dataclass(frozen=True, kw_only=True)
class MembersTable(StarTable):
    """A table with each key that was ever seen, once, and what the key is made of.

    Attributes:
        raw: The raw table in which the keys are.
        values: Columns that are the same in all rows of one key, such as those that it hashes.
    """

    raw: RawTable
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        check_columns(self.columns, self.table)
        self.storage.check(self.table, self.columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The load's number, the key, the values."""
        names = (self.key, *self.values)
        return (LOAD_ID, *(column_of(self.raw, name, self.table) for name in names))

    @property
    def sources(self) -> tuple[RawTable, ...]:
        """The one in which the keys are."""
        return (self.raw,)

    def _touched(self, statements: Statements, load_id: int) -> list[str]:
        # A key that is there already changes nothing.
        return [unseen(self, self.raw, self.key, statements, load_id)]

    def rows(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the query of its rows; see ``StarTable``."""
        key = f"r.{quoted(self.key)}"
        values = "".join(f", MIN(r.{quoted(name)})" for name in self.values)
        join = f" JOIN {touched} t ON {key} = t.{TOUCHED}" if touched else ""
        return (
            f"SELECT {load_id}, {key}{values} FROM {statements.table(self.raw.table)} r{join} "
            f"WHERE {key} IS NOT NULL GROUP BY {key}"
        )
