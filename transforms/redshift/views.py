"""Views: queries under plain names, for people and their tools."""

from collections.abc import Iterator, Mapping, Sequence

from transforms.errors import ConfigurationError
from transforms.lake.commit import digest
from transforms.redshift.layout import Column
from transforms.redshift.sql import Statements, quoted
from transforms.redshift.step import Step

#: What stands for the schema's name in a view's text.
SCHEMA = "{schema}"


def view_steps(
    catalog: Mapping[str, Sequence[Column]],
    views: Mapping[str, str],
    statements: Statements,
    definitions: Mapping[str, str],
) -> Iterator[Step]:
    """Yields the steps that make views what their texts say, after the tables that they ask.

    Args:
        catalog: The tables and views as they are.
        views: Name -> query, with ``{schema}`` before each table; a view that another one asks
            comes before it.
        statements: Of the schema.
        definitions: Name -> digest of the text by which a view was made.

    Raises:
        ConfigurationError: There is a table of a view's name.
    """
    texts = {name: text.replace(SCHEMA, quoted(statements.schema)) for name, text in views.items()}
    digests = {name: digest(text.encode()) for name, text in texts.items()}
    names = list(views)
    for name in names:
        if name in catalog and name not in definitions:
            raise ConfigurationError(
                f"the view {name} can't be made, there is a table of that name",
                "Rename what the view is called after, or drop the table if it is nobody's",
            )
    stale = (n for n in names if n not in catalog or definitions.get(n) != digests[n])
    first = next(stale, None)
    if first is None:
        return
    # Those after it may ask it, so all are made anew, at once for whoever reads them.
    anew = names[names.index(first) :]
    yield Step(
        version=f"{first} and {len(anew) - 1} views after it made {digests[first][:12]}",
        statements=(
            *(f"DROP VIEW IF EXISTS {statements.table(name)}" for name in reversed(anew)),
            *(
                statement
                for name in anew
                for statement in (
                    # Bound late, so that it doesn't hold up changes of its tables' columns.
                    f"CREATE VIEW {statements.table(name)} AS {texts[name]} WITH NO SCHEMA BINDING",
                    *statements.define(name, digests[name]),
                )
            ),
        ),
    )
