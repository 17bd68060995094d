"""One's own logic on whole Arrow tables, within the exactly-once path, and exits from it."""

from transforms.tables.exits import ToRows, ToTables
from transforms.tables.mapping import DerivedColumns, Mapped, TableFunction
from transforms.tables.transform import MapTables, MapTablesConfig

__all__ = [
    "DerivedColumns",
    "MapTables",
    "MapTablesConfig",
    "Mapped",
    "TableFunction",
    "ToRows",
    "ToTables",
]
