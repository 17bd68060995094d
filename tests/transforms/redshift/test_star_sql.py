"""The SQL of dimensions and facts, as Redshift gets it: kept word for word.

``python -m tests.transforms.redshift.test_star_sql`` writes the files anew; read the difference.
"""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from tests.stars import PLAN
from transforms.redshift import Statements
from transforms.redshift.star import StarTable
from transforms.redshift.star.steps import star_steps

GOLDEN = Path(__file__).parent / "golden"
HERE = Statements("wh")
#: What only one of the two engines knows, or what may not stand in a load's transaction.
FOREIGN = (
    *(
        "returning",
        "on conflict",
        "filter",
        "lateral",
        "distinct on",
        "generate_series",
        "truncate",
    ),
    *("is distinct from", "recursive", "using (", "::"),
)


def texts(table: StarTable) -> dict[str, str]:
    """All statements about a table, by what they do."""
    made = {"create": table.create(HERE), "fill": table.insert(HERE, 0, None)}
    if table.sources:
        made |= {
            "touched": table.touched(HERE, 7),
            "delete": table.delete(HERE, '"touched"'),
            "insert": table.insert(HERE, 7, '"touched"'),
        }
    return made


def page(table: StarTable) -> str:
    """A table's file."""
    parts = [
        f"-- {what}\n" + "\n".join(textwrap.wrap(text, 100, break_long_words=False)) + ";\n"
        for what, text in texts(table).items()
    ]
    return "\n".join(parts)


@pytest.mark.parametrize("table", PLAN.star, ids=lambda table: table.table)
def test_the_text_is_the_one_that_was_read_and_agreed_on(table):
    assert page(table) == (GOLDEN / f"{table.table}.sql").read_text()


@pytest.mark.parametrize("table", PLAN.star, ids=lambda table: table.table)
def test_nothing_is_said_that_only_one_engine_understands(table):
    for text in texts(table).values():
        plain = re.sub(r"'[^']*'", "''", text.lower())
        assert [word for word in FOREIGN if word in plain] == []


def test_a_table_is_made_and_filled_while_no_load_can_run():
    steps = list(star_steps({}, PLAN.star, HERE, {}))
    assert [step.statements[0] for step in steps] == [HERE.lock()] * len(PLAN.star)
    assert all(step.in_transaction for step in steps)


def test_what_is_filled_by_this_definition_is_left_alone():
    catalog = {each.table: each.columns for each in PLAN.star}
    known = {each.table: each.definition() for each in PLAN.star}
    assert list(star_steps(catalog, PLAN.star, HERE, known)) == []


def test_another_definition_empties_the_table_and_fills_it_again():
    catalog = {each.table: each.columns for each in PLAN.star}
    known = {each.table: each.definition() for each in PLAN.star} | {"dim_store": "old"}
    (step,) = star_steps(catalog, PLAN.star, HERE, known)
    assert step.statements[1] == 'DELETE FROM "wh"."dim_store"'


if __name__ == "__main__":
    for each in PLAN.star:
        (GOLDEN / f"{each.table}.sql").write_text(page(each))
        sys.stdout.write(f"{each.table}.sql\n")
