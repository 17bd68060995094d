"""How Redshift stores a table: distribution, sorting, encodings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.layout import Column

#: AZ64 is Amazon's own for numbers and times: small, and quick to read. ZSTD packs texts of any
#: kind. What neither takes stays raw. Source: Amazon Redshift, "Compression encodings".
_ENCODINGS: Final = {
    "SMALLINT": "AZ64",
    "INTEGER": "AZ64",
    "BIGINT": "AZ64",
    "DECIMAL": "AZ64",
    "DATE": "AZ64",
    "TIMESTAMP": "AZ64",
    "VARCHAR": "ZSTD",
    "DOUBLE PRECISION": "ZSTD",
    "REAL": "ZSTD",
}


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Where a table's rows lie and in which order.

    Attributes:
        distribution: ``ALL`` (each node has the table: small dimensions), ``EVEN``, or a column:
            rows that agree in it lie on one slice, so joins over it move nothing.
        sort: The columns by which rows are sorted: what most queries filter by comes first.
    """

    distribution: str
    sort: tuple[str, ...] = ()

    def check(self, table: str, columns: Sequence[Column]) -> None:
        """Refuses columns that aren't there.

        Raises:
            ConfigurationError: Names the column.
        """
        names = {column.name for column in columns}
        wanted = [*self.sort]
        if self.distribution not in ("ALL", "EVEN"):
            wanted.append(self.distribution)
        missing = next((name for name in wanted if name not in names), None)
        if missing is not None:
            raise ConfigurationError(
                f"{table} is to be distributed or sorted by {missing}, which it hasn't got",
                f"Name one of its columns: {', '.join(sorted(names))}",
            )

    def defined(self, column: Column) -> str:
        """Returns a column's type and encoding, as CREATE TABLE takes them."""
        # The leading sort column stays raw: compressed, its blocks would hold many more rows than
        # those of the other columns, and a range over it would read those in vain.
        leading = bool(self.sort) and column.name == self.sort[0]
        encoding = "RAW" if leading else _ENCODINGS.get(column.type.kind, "RAW")
        return f"{column.type.sql} ENCODE {encoding}"

    @property
    def attributes(self) -> str:
        """What stands behind the columns in CREATE TABLE."""
        if self.distribution in ("ALL", "EVEN"):
            placed = f"DISTSTYLE {self.distribution}"
        else:
            placed = f"DISTSTYLE KEY DISTKEY ({self.distribution})"
        return f"{placed} SORTKEY ({', '.join(self.sort)})" if self.sort else placed
