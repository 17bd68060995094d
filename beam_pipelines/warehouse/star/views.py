"""The views of a star: texts in which ``{columns TABLE ALIAS}`` stands for a table's columns."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift.sql import quoted
from transforms.redshift.star import StarTable

_COLUMNS: Final = re.compile(r"\{columns (\w+) (\w+)\}")


def expand_views(
    views: Mapping[str, str], star: Sequence[StarTable], hidden: Collection[str]
) -> dict[str, str]:
    """Returns the views with the columns written out.

    Left out are those that are hidden, and those of the loader, which begin with ``_``. So a view
    needs no change when the masking policy drops a column, and shows none that nobody should see.

    Args:
        views: Name -> query.
        star: The tables.
        hidden: Names of columns.

    Raises:
        ConfigurationError: A view wants the columns of no table of the star.
    """
    columns = {
        table.table: [
            column.name
            for column in table.columns
            if column.name not in hidden and not column.name.startswith("_")
        ]
        for table in star
    }

    def written(view: str, found: re.Match[str]) -> str:
        table, alias = found.groups()
        if table not in columns:
            raise ConfigurationError(
                f"the view {view} wants the columns of {table}, which is no table of the star",
                f"Name one of {', '.join(columns) or 'none: the star is empty'}",
            )
        return ", ".join(f"{alias}.{quoted(name)}" for name in columns[table])

    return {
        name: _COLUMNS.sub(lambda found, name=name: written(name, found), text)  # type: ignore[misc]
        for name, text in views.items()
    }
