"""What the tables of a star have in common: a key, a log, and what a load touches of them."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column
from transforms.redshift.raw import LOAD_ID, RawTable
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.star.storage import Storage

#: Ties are broken by where a message stood, so that every order is total.
PLACE: Final = ("_timestamp", "_topic_id", "_partition", "_offset", "_row")
#: The one column of a table of touched keys.
TOUCHED: Final = "touched_key"


@dataclass(frozen=True)
class Member:
    """Where else a dimension's key is seen: by facts that come before the dimension's own rows.

    Attributes:
        raw: The raw table of the facts.
        column: Its column with the key.
    """

    raw: RawTable
    column: str


@dataclass(frozen=True, kw_only=True)
class StarTable(ABC):
    """A table whose rows are told by a query, key by key.

    Attributes:
        table: Its name.
        key: The column whose rows belong together.
        storage: How it is stored.
    """

    table: str
    key: str
    storage: Storage

    @property
    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """Its columns, the load's number first."""

    @property
    @abstractmethod
    def sources(self) -> tuple[RawTable, ...]:
        """The raw tables that it depends on."""

    @property
    def bound_to(self) -> tuple[str, ...]:
        """The tables whose rows its own are bound to."""
        return ()

    def touched(self, statements: Statements, load_id: int) -> str:
        """Returns the query of the keys that a load touches, each once; empty where none does."""
        return " UNION ".join(self._touched(statements, load_id))

    @abstractmethod
    def _touched(self, statements: Statements, load_id: int) -> list[str]:
        """Returns the queries of the keys that a load touches, one a cause."""

    @abstractmethod
    def rows(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the query of its rows, in the order of its columns.

        Args:
            statements: Of the schema.
            load_id: The number that the rows get.
            touched: The table of the keys to take, quoted; None for all.
        """

    def definition(self) -> str:
        """Returns a digest of all that decides about its rows and columns."""
        statements = Statements("s")
        texts = (
            *(f"{column.name} {column.type.sql}" for column in self.columns),
            self.touched(statements, 0),
            self.rows(statements, 0, None),
        )
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    def create(self, statements: Statements) -> str:
        """Returns its CREATE TABLE."""
        columns = ", ".join(
            f"{quoted(column.name)} {self.storage.defined(column)}" for column in self.columns
        )
        name = statements.table(self.table)
        return f"CREATE TABLE {name} ({columns}) {self.storage.attributes}"

    def insert(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the INSERT of its rows."""
        names = ", ".join(quoted(column.name) for column in self.columns)
        rows = self.rows(statements, load_id, touched)
        return f"INSERT INTO {statements.table(self.table)} ({names}) ({rows})"

    def delete(self, statements: Statements, touched: str) -> str:
        """Returns the DELETE of the rows of some keys."""
        mine = f"{quoted(self.table)}.{quoted(self.key)}"
        name = statements.table(self.table)
        return f"DELETE FROM {name} USING {touched} t WHERE {mine} = t.{TOUCHED}"


@dataclass(frozen=True, kw_only=True)
class LogTable(StarTable):
    """A table that is rebuilt from the rows of one raw table, its log.

    Attributes:
        raw: The log.
        effective: The log's column that tells when a row took effect.
        order: The log's columns that order rows of one moment, such as the source's sequence.
        members: Where else keys are seen: they get an inferred member.
    """

    raw: RawTable
    effective: str
    order: tuple[str, ...] = ()
    members: tuple[Member, ...] = field(default=())

    @property
    def sources(self) -> tuple[RawTable, ...]:
        """The log, and where else its keys are seen."""
        return (self.raw, *(member.raw for member in self.members))

    def _touched(self, statements: Statements, load_id: int) -> list[str]:
        key = quoted(self.key)
        # DISTINCT though UNION drops doubles too: there may be nothing to unite it with.
        own = (
            f"SELECT DISTINCT {key} AS {TOUCHED} FROM {statements.table(self.raw.table)} "
            f"WHERE _load_id = {load_id} AND {key} IS NOT NULL"
        )
        # A member that is there already changes nothing.
        seen = (unseen(self, each.raw, each.column, statements, load_id) for each in self.members)
        return [own, *seen]

    def fitting(self) -> tuple[Column, ...]:
        """Returns the log's columns by which rows are ordered, after checking that they are there.

        Raises:
            ConfigurationError: The log lacks one; names it.
        """
        return tuple(self.column(name) for name in (self.key, self.effective, *self.order))

    def column(self, name: str) -> Column:
        """Returns a column of the log.

        Raises:
            ConfigurationError: There is none of this name.
        """
        return column_of(self.raw, name, self.table)

    def taken(self, touched: str | None) -> str:
        """Returns the join that leaves the touched keys of the log, which is called ``r``."""
        return f" JOIN {touched} t ON r.{quoted(self.key)} = t.{TOUCHED}" if touched else ""

    def inferred(self, statements: Statements, touched: str | None) -> str:
        """Returns the query of all keys that may need an inferred member: one column."""
        if touched:
            return f"SELECT {TOUCHED} FROM {touched}"
        own = f"SELECT {quoted(self.key)} AS {TOUCHED} FROM {statements.table(self.raw.table)}"
        seen = (
            f"SELECT {quoted(each.column)} FROM {statements.table(each.raw.table)}"
            for each in self.members
        )
        every = " UNION ".join((own, *seen))
        return f"SELECT DISTINCT {TOUCHED} FROM ({every}) u WHERE {TOUCHED} IS NOT NULL"

    def newest_first(self, alias: str) -> str:
        """Returns the order of the log's rows by which the newest comes first; it is total."""
        names = (self.effective, *self.order, *PLACE)
        return ", ".join(f"{alias}.{quoted(name)} DESC" for name in names)


def unseen(
    table: StarTable, raw: RawTable, column: str, statements: Statements, load_id: int
) -> str:
    """Returns the query of the keys that a load brought and a table hasn't got."""
    seen = f"m.{quoted(column)}"
    return (
        f"SELECT DISTINCT {seen} AS {TOUCHED} FROM {statements.table(raw.table)} m "
        f"LEFT JOIN {statements.table(table.table)} d ON d.{quoted(table.key)} = {seen} "
        f"WHERE m._load_id = {load_id} AND {seen} IS NOT NULL AND d.{quoted(table.key)} IS NULL"
    )


def column_of(raw: RawTable, name: str, table: str) -> Column:
    """Returns a column of a raw table.

    Raises:
        ConfigurationError: There is none of this name, or its type can't be compared.
    """
    found = next((column for column in raw.columns if column.name == name), None)
    if found is None or found == LOAD_ID:
        raise ConfigurationError(
            f"{table} takes {name} of {raw.table}, which has no such column",
            "Correct the table's definition; a column may be dropped by the masking policy",
        )
    if found.type.kind in ("SUPER", "VARBYTE"):
        raise ConfigurationError(
            f"{table} takes {name} of {raw.table}, which is {found.type.kind}",
            "Derive a plain column of it (datasets.<name>.columns)",
        )
    return found


def check_columns(columns: Sequence[Column], table: str) -> None:
    """Refuses a name that is there twice.

    Raises:
        ConfigurationError: Names it.
    """
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{table} has the column {twice} twice", "Name each once")
