"""The load mode ``upsert``: of each key the newest row, with what can be told of the others.

A dimension of that kind has the present state of each member. A fact of that kind accumulates: it
has the state of its newest event, and of each milestone when it was first reached.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.raw import LOAD_ID, RawTable
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.star.scd2 import FROM, UNTIL, Scd2Table
from transforms.redshift.star.table import PLACE, TOUCHED, LogTable, check_columns

_TIMESTAMP: Final = ColumnType("TIMESTAMP")
INFERRED: Final = Column("is_inferred", ColumnType("BOOLEAN"))


@dataclass(frozen=True)
class Milestone:
    """When something was first true of a key.

    Attributes:
        column: The column that gets the time.
        where: The condition on a row of the log, in SQL that both engines share.
    """

    column: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The version of a dimension that a fact belongs to.

    Attributes:
        column: The column that gets the version's surrogate key.
        dimension: The dimension.
        link: The fact's column with the dimension's key.
        at: Columns of the fact, milestones too: the first one that is there tells the moment.
    """

    column: str
    dimension: Scd2Table
    link: str
    at: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UpsertTable(LogTable):
    """A table with one row per key.

    Attributes:
        values: The log's columns that it has, besides the key.
        where: Which rows of the log count, in SQL that both engines share; empty for all.
        milestones: Times of a key.
        bindings: Versions of dimensions.
    """

    values: tuple[str, ...]
    where: str = ""
    milestones: tuple[Milestone, ...] = field(default=())
    bindings: tuple[Binding, ...] = field(default=())

    def __post_init__(self) -> None:
        self.fitting()
        check_columns(self.columns, self.table)
        self.storage.check(self.table, self.columns)
        names = {column.name for column in self.columns}
        for each in self.bindings:
            missing = next((n for n in (each.link, *each.at) if n not in names), None)
            if missing is not None or not each.at:
                raise ConfigurationError(
                    f"{self.table}.{each.column} is bound by {missing or 'no time'}",
                    "Name columns and milestones of the table",
                )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The load's number, the key, the values, the milestones, the bindings, the flag."""
        return (
            LOAD_ID,
            self.column(self.key),
            *(self.column(name) for name in self.values),
            *(Column(each.column, _TIMESTAMP) for each in self.milestones),
            *(Column(each.column, ColumnType("BIGINT")) for each in self.bindings),
            *((INFERRED,) if self.members else ()),
        )

    @property
    def sources(self) -> tuple[RawTable, ...]:
        """Its own, and those of the dimensions: a late version binds facts anew."""
        others = (raw for each in self.bindings for raw in each.dimension.sources)
        return (*super().sources, *others)

    @property
    def bound_to(self) -> tuple[str, ...]:
        """The dimensions of its bindings."""
        return tuple(each.dimension.table for each in self.bindings)

    def _touched(self, statements: Statements, load_id: int) -> list[str]:
        own, *others = super()._touched(statements, load_id)
        counted = f"{own} AND {self.where}" if self.where else own
        rebound = (self._rebound(each, statements, load_id) for each in self.bindings)
        return [counted, *others, *rebound]

    def _rebound(self, each: Binding, statements: Statements, load_id: int) -> str:
        """Returns the keys that belong to another version, now that the dimension was rebuilt."""
        dimension = each.dimension
        version, bound = f"d.{quoted(dimension.surrogate)}", f"f.{quoted(each.column)}"
        return (
            f"SELECT f.{quoted(self.key)} FROM {statements.table(self.table)} f "
            f"JOIN {self._bound(each, statements)} "
            f"WHERE d._load_id = {load_id} AND ({bound} IS NULL OR {bound} <> {version})"
        )

    def _bound(self, each: Binding, statements: Statements, alias: str = "d") -> str:
        """Returns a dimension and the condition under which a row of the fact ``f`` is bound."""
        dimension = each.dimension
        at = ", ".join(f"f.{quoted(name)}" for name in each.at)
        moment = f"COALESCE({at})" if len(each.at) > 1 else at
        return (
            f"{statements.table(dimension.table)} {alias} "
            f"ON {alias}.{quoted(dimension.key)} = f.{quoted(each.link)} "
            f"AND {moment} >= {alias}.{FROM} AND {moment} < {alias}.{UNTIL}"
        )

    def definition(self) -> str:
        """Returns a digest of all that decides about its rows, its dimensions included."""
        others = (each.dimension.definition() for each in self.bindings)
        return hashlib.sha256("\n".join((super().definition(), *others)).encode()).hexdigest()

    def rows(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the query of its rows; see ``StarTable``."""
        key, names = quoted(self.key), self._values("f")
        bound = "".join(
            f", d{n}.{quoted(each.dimension.surrogate)}" for n, each in enumerate(self.bindings)
        )
        joined = "".join(
            f" LEFT JOIN {self._bound(each, statements, f'd{n}')}"
            for n, each in enumerate(self.bindings)
        )
        flag = ", FALSE" if self.members else ""
        own = f"SELECT {load_id}, f.{key}{names}{bound}{flag} FROM told f{joined}"
        chain = ", ".join(f"{name} AS ({q})" for name, q in self._parts(statements, touched))
        return f"WITH {chain} {own}{self._inferred(statements, load_id, touched)}"

    def _parts(self, statements: Statements, touched: str | None) -> list[tuple[str, str]]:
        key, moment = quoted(self.key), quoted(self.effective)
        wanted = (self.key, *self.values, self.effective, *self.order, *PLACE)
        names = ", ".join(f"r.{quoted(name)}" for name in dict.fromkeys(wanted))
        # Windows of one partition share a sort; to group would take the events a second time.
        reached = "".join(
            f", MIN(CASE WHEN {each.where} THEN r.{moment} END) OVER (PARTITION BY r.{key}) "
            f"AS {quoted(each.column)}"
            for each in self.milestones
        )
        place = f"ROW_NUMBER() OVER (PARTITION BY r.{key} ORDER BY {self.newest_first('r')})"
        counted = f" AND ({self.where})" if self.where else ""
        events = (
            f"SELECT {names}{reached}, {place} AS place "
            f"FROM {statements.table(self.raw.table)} r{self.taken(touched)} "
            f"WHERE r.{key} IS NOT NULL{counted}"
        )
        told = f"SELECT e.{key}{self._values('e')} FROM events e WHERE e.place = 1"
        return [("events", events), ("told", told)]

    def _values(self, alias: str) -> str:
        names = (*self.values, *(each.column for each in self.milestones))
        return "".join(f", {alias}.{quoted(name)}" for name in names)

    def _inferred(self, statements: Statements, load_id: int, touched: str | None) -> str:
        if not self.members:
            return ""
        nothing = "".join(f", CAST(NULL AS {each.type.sql})" for each in self.columns[2:-1])
        key = quoted(self.key)
        return (
            f" UNION ALL SELECT {load_id}, m.{TOUCHED}{nothing}, TRUE "
            f"FROM ({self.inferred(statements, touched)}) m "
            f"LEFT JOIN told o ON o.{key} = m.{TOUCHED} WHERE o.{key} IS NULL"
        )
