"""Views of a star with a table's columns written out."""

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.star import expand_views
from transforms.errors import ConfigurationError


class Table:
    def __init__(self, table: str, *names: str) -> None:
        self.table = table
        self.columns = [type("Column", (), {"name": name}) for name in names]


STAR = [Table("fact_order", "_load_id", "at", "link", "price")]


def expand(text: str, hidden=("link",)) -> str:
    return expand_views({"orders": text}, STAR, hidden)["orders"]


def test_columns_stand_under_their_tables_alias_without_hidden_ones_and_the_loaders():
    text = "SELECT {columns fact_order o}, 1 AS one FROM {schema}.fact_order o"
    assert expand(text) == 'SELECT o."at", o."price", 1 AS one FROM {schema}.fact_order o'


def test_a_text_without_them_stays_as_it_is():
    assert expand("SELECT o.link FROM {schema}.fact_order o") == (
        "SELECT o.link FROM {schema}.fact_order o"
    )


def test_the_columns_of_a_table_that_is_not_there_are_refused():
    with pytest.raises(ConfigurationError, match="the view orders wants the columns of fact_x"):
        expand("SELECT {columns fact_x o} FROM {schema}.fact_order o")


def test_a_column_that_the_masks_drop_is_not_asked_for():
    config = load_config(
        None, ["masking.fields.dispense_event={sig_text: drop, patient_zip: drop}"]
    )
    assert '"patient_gender"' in load_plan(config).views["dispenses"]
    assert '"patient_zip"' not in load_plan(config).views["dispenses"]
