"""Which steps make views what their texts say."""

import pytest

from transforms.errors import ConfigurationError
from transforms.lake.commit import digest
from transforms.redshift import Statements
from transforms.redshift.views import view_steps

HERE = Statements("wh")
TEXT = "SELECT a FROM {schema}.raw_order"
SHA256 = digest(b'SELECT a FROM "wh".raw_order')


def steps(catalog, definitions, text=TEXT):
    return list(view_steps(catalog, {"orders": text}, HERE, definitions))


def test_one_that_is_not_there_is_made_bound_late_and_put_on_record():
    (step,) = steps({}, {})
    assert step.version == f"orders and 0 views after it made {SHA256[:12]}"
    assert step.statements == (
        'DROP VIEW IF EXISTS "wh"."orders"',
        'CREATE VIEW "wh"."orders" AS SELECT a FROM "wh".raw_order WITH NO SCHEMA BINDING',
        'DELETE FROM "wh"."load_definitions" WHERE table_name = \'orders\'',
        'INSERT INTO "wh"."load_definitions" (table_name, definition_sha256) VALUES '
        f"('orders', '{SHA256}')",
    )
    assert step.in_transaction


def test_one_that_is_there_is_left_alone():
    assert steps({"orders": []}, {"orders": SHA256}) == []


def test_one_whose_text_changed_is_made_anew():
    (step,) = steps({"orders": []}, {"orders": SHA256}, "SELECT 1")
    assert step.statements[0].startswith("DROP VIEW")


def test_those_that_may_ask_it_are_made_anew_in_the_same_step():
    views = {"before": "SELECT 1", "orders": TEXT, "after": "SELECT a FROM {schema}.orders"}
    known = {
        name: digest(text.replace("{schema}", '"wh"').encode()) for name, text in views.items()
    }
    catalog = dict.fromkeys(views, ())
    (step,) = view_steps(catalog, views, HERE, {**known, "orders": "x"})
    assert [each.split(" AS ")[0] for each in step.statements if "VIEW" in each] == [
        'DROP VIEW IF EXISTS "wh"."after"',
        'DROP VIEW IF EXISTS "wh"."orders"',
        'CREATE VIEW "wh"."orders"',
        'CREATE VIEW "wh"."after"',
    ]


def test_one_that_was_dropped_by_hand_is_made_anew():
    assert len(steps({}, {"orders": SHA256})) == 1


def test_a_table_of_its_name_is_not_dropped():
    with pytest.raises(ConfigurationError, match="there is a table of that name"):
        steps({"orders": []}, {})
