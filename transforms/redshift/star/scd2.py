"""The load mode ``scd2``: slowly changing dimensions of type 2, rebuilt from a log of changes.

Kimball and Ross, "The Data Warehouse Toolkit", chapter 5: a member has one row per version, each
valid from a time up to, not including, another. Versions aren't told from those that are there, as
is usual, but from all changes of the key, so a late one splits what stood there, and one that said
nothing new begins to count when an earlier one comes between.
"""

from dataclasses import dataclass, field
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.raw import LOAD_ID
from transforms.redshift.sql import Statements, literal, quoted
from transforms.redshift.star.table import PLACE, TOUCHED, LogTable, check_columns

FROM: Final = "valid_from"
UNTIL: Final = "valid_to"
CURRENT: Final = "is_current"
INFERRED: Final = "is_inferred"
#: Before the first version, and after the last.
EVER: Final = "TIMESTAMP '0001-01-01 00:00:00'"
NEVER: Final = "TIMESTAMP '9999-12-31 00:00:00'"
_TIMESTAMP: Final = ColumnType("TIMESTAMP")
_BOOLEAN: Final = ColumnType("BOOLEAN")


@dataclass(frozen=True, kw_only=True)
class Scd2Table(LogTable):
    """A dimension with one row per version of each member.

    Each member also has an inferred row, valid from ever to its first version: facts that are older
    than what is known of the member, or come before it, belong there.

    Attributes:
        surrogate: The column of the versions' keys. That of the inferred row is the member's key.
        version: The log's column with the key of the version that a change would begin: a hash of
            key and effective time, so any two rebuilds agree on it.
        tracked: The log's columns whose change makes a version.
        latest: The log's columns of which only the newest value is kept, in all versions (type 1).
        operation: The log's column that tells the kind of a change, a tracked one; empty for none.
        ends: Operations after which nothing is known of the member: its tracked columns are null.
        erases: Operations that take away all versions before them.
    """

    surrogate: str
    version: str
    tracked: tuple[str, ...]
    latest: tuple[str, ...] = ()
    operation: str = ""
    ends: tuple[str, ...] = field(default=())
    erases: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        self.fitting()
        kinds = {self.column(name).type.kind for name in (self.key, self.version)}
        if kinds != {"BIGINT"}:
            raise ConfigurationError(
                f"{self.key} and {self.version} of {self.raw.table} must be BIGINT",
                "Make both by masking.links",
            )
        check_columns(self.columns, self.table)
        self.storage.check(self.table, self.columns)
        if not self.tracked:
            raise ConfigurationError(f"{self.table} tracks no column", "Name some, or use upsert")
        if (self.ends or self.erases) and self.operation not in self.tracked:
            raise ConfigurationError(
                f"{self.table} ends or erases by an operation that it doesn't track",
                "Name the column in operation and in tracked",
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The load's number, surrogate key, key, interval, flags, tracked columns, newest ones."""
        return (
            LOAD_ID,
            Column(self.surrogate, ColumnType("BIGINT")),
            self.column(self.key),
            Column(FROM, _TIMESTAMP),
            Column(UNTIL, _TIMESTAMP),
            Column(CURRENT, _BOOLEAN),
            Column(INFERRED, _BOOLEAN),
            *(self.column(name) for name in self.tracked),
            *(self.column(name) for name in self.latest),
        )

    def rows(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the query of its rows; see ``StarTable``."""
        key = quoted(self.key)
        parts = [*self._changes(statements, touched), *self._versions(key)]
        chain = ", ".join(f"{name} AS ({query})" for name, query in parts)
        names = ", ".join(f"v.{quoted(name)}" for name in self.tracked)
        versions = (
            f"SELECT {load_id}, v.version_key, v.{key}, v.moment, COALESCE(v.until, {NEVER}), "
            f"v.until IS NULL, FALSE, {names}{self._newest()} "
            f"FROM versions v{self._with('v.' + key)}"
        )
        nothing = ", ".join(f"CAST(NULL AS {self.column(n).type.sql})" for n in self.tracked)
        inferred = (
            f"SELECT {load_id}, m.{TOUCHED}, m.{TOUCHED}, {EVER}, COALESCE(b.moment, {NEVER}), "
            f"b.moment IS NULL, TRUE, {nothing}{self._newest()} "
            f"FROM ({self.inferred(statements, touched)}) m "
            f"LEFT JOIN begun b ON b.{key} = m.{TOUCHED}{self._with('m.' + TOUCHED)}"
        )
        return f"WITH {chain} {versions} UNION ALL {inferred}"

    def _changes(self, statements: Statements, touched: str | None) -> list[tuple[str, str]]:
        """Returns the changes of the log, and those that count: one per key and moment."""
        key, moment = quoted(self.key), quoted(self.effective)
        wanted = (self.key, self.version, *self.tracked, *self.latest, *self.order, *PLACE)
        names = ", ".join(f"r.{quoted(name)}" for name in dict.fromkeys(wanted))
        log = (
            f"SELECT {names}, r.{moment} AS moment FROM {statements.table(self.raw.table)} r"
            f"{self.taken(touched)} WHERE r.{key} IS NOT NULL AND r.{moment} IS NOT NULL"
        )
        parts = [("log", log)]
        counting = "log l"
        if self.erases:
            erased = f"{quoted(self.operation)} IN ({_texts(self.erases)})"
            last = f"SELECT {key}, MAX(moment) AS erased_at FROM log WHERE {erased} GROUP BY {key}"
            parts.append(("erased", last))
            counting += (
                f" LEFT JOIN erased e ON e.{key} = l.{key} "
                "WHERE e.erased_at IS NULL OR l.moment >= e.erased_at"
            )
        placed = (
            f"SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l.{key}, l.moment ORDER BY "
            f"{self._within('l')}) AS place, ROW_NUMBER() OVER (PARTITION BY l.{key} ORDER BY "
            f"l.moment DESC, {self._within('l')}) AS newest FROM {counting}"
        )
        return [*parts, ("changes", placed)]

    def _versions(self, key: str) -> list[tuple[str, str]]:
        """Returns the changes that say something new, and until when each holds."""
        names = ", ".join(f"{self._kept(name)} AS {quoted(name)}" for name in self.tracked)
        told = (
            f"SELECT {key}, {quoted(self.version)} AS version_key, moment, {names} "
            "FROM changes WHERE place = 1"
        )
        said = " || ".join(_said(quoted(name), self.column(name)) for name in self.tracked)
        compared = f"SELECT o.*, {said} AS said FROM told o"
        before = f"LAG(said) OVER (PARTITION BY {key} ORDER BY moment) AS said_before"
        until = f"LEAD(moment) OVER (PARTITION BY {key} ORDER BY moment) AS until"
        return [
            ("told", told),
            ("compared", compared),
            ("ordered", f"SELECT c.*, {before} FROM compared c"),
            (
                "versions",
                f"SELECT d.*, {until} FROM ordered d "
                "WHERE said_before IS NULL OR said_before <> said",
            ),
            ("begun", f"SELECT {key}, MIN(moment) AS moment FROM versions GROUP BY {key}"),
        ]

    def _within(self, alias: str) -> str:
        return ", ".join(f"{alias}.{quoted(name)} DESC" for name in (*self.order, *PLACE))

    def _kept(self, name: str) -> str:
        if not self.ends or name == self.operation:
            return quoted(name)
        ended = f"{quoted(self.operation)} IN ({_texts(self.ends)})"
        return f"CASE WHEN {ended} THEN NULL ELSE {quoted(name)} END"

    def _newest(self) -> str:
        return "".join(f", n.{quoted(name)}" for name in self.latest)

    def _with(self, key: str) -> str:
        """Returns the join of the newest values of a member."""
        if not self.latest:
            return ""
        return f" LEFT JOIN changes n ON n.{quoted(self.key)} = {key} AND n.newest = 1"


def _said(name: str, column: Column) -> str:
    """Returns a value as a text from which it can be told, null too."""
    text = name if column.type.kind == "VARCHAR" else f"CAST({name} AS VARCHAR(64))"
    if column.type.kind == "BOOLEAN":
        text = f"CASE WHEN {name} THEN '1' ELSE '0' END"
    # The length in front: else two columns could say together what two others say.
    return (
        f"CASE WHEN {name} IS NULL THEN '-' "
        f"ELSE CAST(LEN({text}) AS VARCHAR(8)) || ':' || {text} END"
    )


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(literal(value) for value in values)
