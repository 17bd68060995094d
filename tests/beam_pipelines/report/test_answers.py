"""The warehouse's answers on the page."""

from datetime import datetime
from decimal import Decimal

import pytest

from beam_pipelines.report.gathering import gather
from beam_pipelines.report.meanings import Meanings
from beam_pipelines.report.page import render
from beam_pipelines.report.sections.answers import answers
from beam_pipelines.warehouse.questions import Answer, as_text
from tests.beam_pipelines.report.lakes import lake_with
from tests.beam_pipelines.report.pages import Page

REVENUE = Answer(
    name="revenue_by_payer",
    title="Revenue by payer",
    columns=("payer", "fills", "net_revenue"),
    rows=(("A<b>", 1200, Decimal("10200.5")), ("B", 7, Decimal(-3))),
)
BUSY = Answer(
    name="busy",
    title="Busiest windows",
    columns=("store", "window_start", "fills"),
    rows=(("A", datetime(2026, 1, 31, 12, 5), 9), ("A", datetime(2026, 1, 31, 12, 10), 8)),
)
NOTHING = Answer(name="nothing", title="Stock at risk", columns=("drug",), rows=())


@pytest.fixture(scope="module")
def page() -> Page:
    facts = gather(lake_with([(1, "a", 9)]).store)
    return Page(render(facts, Meanings(), "command", [REVENUE, BUSY, NOTHING]))


def test_each_question_has_its_table_with_plain_numbers(page):
    for text in ("Revenue by payer", "net revenue", "10,200.50", "-3<", "2026-01-31 12:05"):
        assert text in page.text


def test_what_stands_in_an_answer_is_text_and_nothing_else(page):
    assert "<b>" not in page.text
    assert "A&lt;b&gt;" in page.text


def test_a_plot_is_drawn_where_each_row_has_a_name_of_its_own(page):
    assert page.text.count("q-revenue-by-payer") > 0
    assert "q-busy" not in page.text


def test_an_answer_without_rows_is_told_as_one(page):
    assert "Nothing to tell." in page.text


def test_the_page_says_who_answered(page):
    assert "answered by the warehouse" in page.text


def test_without_a_warehouse_there_is_no_such_part():
    assert answers([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (1234, "1,234"),
        (0.125, "0.12"),
        ("NY", "NY"),
        (Decimal("1.5"), "1.50"),
        (Decimal("2.00"), "2"),
    ],
)
def test_values_are_written_for_people(value, text):
    assert as_text(value) == text
