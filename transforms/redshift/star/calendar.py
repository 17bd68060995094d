"""The dimension of dates: a calendar that no load changes."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.raw import LOAD_ID, RawTable
from transforms.redshift.sql import Statements
from transforms.redshift.star.table import StarTable

_DAY: Final = "c.calendar_date"
_SHORT: Final = ColumnType("SMALLINT")
#: Column, type, and how it is told from the day.
_COLUMNS: Final = (
    (Column("calendar_date", ColumnType("DATE")), _DAY),
    (Column("calendar_year", _SHORT), f"CAST(EXTRACT(YEAR FROM {_DAY}) AS SMALLINT)"),
    (Column("calendar_quarter", _SHORT), f"CAST(EXTRACT(QUARTER FROM {_DAY}) AS SMALLINT)"),
    (Column("calendar_month", _SHORT), f"CAST(EXTRACT(MONTH FROM {_DAY}) AS SMALLINT)"),
    (Column("month_name", ColumnType("VARCHAR", 3)), f"TO_CHAR({_DAY}, 'Mon')"),
    (Column("iso_week", _SHORT), f"CAST(EXTRACT(WEEK FROM {_DAY}) AS SMALLINT)"),
    (Column("day_of_month", _SHORT), f"CAST(EXTRACT(DAY FROM {_DAY}) AS SMALLINT)"),
    (Column("day_name", ColumnType("VARCHAR", 3)), f"TO_CHAR({_DAY}, 'Dy')"),
    (Column("is_weekend", ColumnType("BOOLEAN")), f"EXTRACT(DOW FROM {_DAY}) IN (0, 6)"),
)
#: generate_series and VALUES can't be joined with tables on Redshift: days are counted by digits.
_DIGITS: Final = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))


@dataclass(frozen=True, kw_only=True)
class CalendarTable(StarTable):
    """A table with a row per day.

    Attributes:
        first: The first day.
        last: The last day; at most 100,000 days in all.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < 100_000:
            raise ConfigurationError(
                f"{self.table} must run over 1 to 100,000 days", "Set its first and last day"
            )
        self.storage.check(self.table, self.columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The load's number, the day, and what is told of it."""
        return (LOAD_ID, *(column for column, _ in _COLUMNS))

    @property
    def sources(self) -> tuple[RawTable, ...]:
        """None: it never changes."""
        return ()

    def _touched(self, statements: Statements, load_id: int) -> list[str]:
        return []

    def rows(self, statements: Statements, load_id: int, touched: str | None) -> str:
        """Returns the query of its rows; see ``StarTable``."""
        days = (self.last - self.first).days
        number = "d0.n + 10 * d1.n + 100 * d2.n + 1000 * d3.n + 10000 * d4.n"
        digits = ", ".join(f"digits d{place}" for place in range(5))
        told = ", ".join(text for _, text in _COLUMNS)
        return (
            f"WITH digits AS ({_DIGITS}), numbered AS (SELECT {number} AS n FROM {digits}), "
            f"c AS (SELECT DATE '{self.first}' + n AS calendar_date FROM numbered "
            f"WHERE n <= {days}) SELECT {load_id}, {told} FROM c"
        )
