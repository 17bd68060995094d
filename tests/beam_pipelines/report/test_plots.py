"""Plots as part of a page."""

import re

import numpy as np
import pytest

from beam_pipelines.report import charts
from beam_pipelines.report.plots import ROLES, Plot
from tests.beam_pipelines.report.pages import Page

PLOT = Plot(name="one", title="A <title>", text='Said "so"', caption="Below & under")
TIMES = np.arange(0, 4) * 3_600_000
STAMPS = TIMES.astype("datetime64[ms]")
GAPPY = np.array([1.0, np.nan, 3.0, 4.0])

DRAWN = {
    "steps": lambda p: charts.stacked_steps(
        p, TIMES, {"$a$ <b>": np.ones(3), "c": np.arange(3.0)}, "things"
    ),
    "lines": lambda p: charts.lines(p, STAMPS, ("all", GAPPY), {"some": GAPPY / 2}, "things"),
    "band": lambda p: charts.band(p, STAMPS, ("p50", GAPPY), ("p95", GAPPY * 3), "minutes"),
    "bars": lambda p: charts.horizontal_bars(p, ["a", "<b>"], np.array([5.0, 2.0]), "units"),
    "stacks": lambda p: charts.stacked_bars(
        p, ["Mon", "Tue"], {"x": np.array([5.0, -1.0]), "y": np.array([1.0, np.nan])}, "money"
    ),
}


@pytest.fixture(params=DRAWN, scope="module")
def html(request) -> str:
    return DRAWN[request.param](PLOT)


def test_it_is_sound_markup_that_refers_to_nothing_outside(html):
    page = Page(html)
    assert page.open == []
    assert page.outside == []
    assert {"script", "metadata", "image"}.isdisjoint(page.tags)


def test_it_has_a_name_and_a_description_for_those_who_cant_see_it(html):
    assert '<title id="one-t">A &lt;title&gt;</title>' in html
    assert '<desc id="one-d">Said &quot;so&quot;</desc>' in html
    assert "<figcaption>Below &amp; under</figcaption>" in html


def test_its_colors_are_the_pages(html):
    assert not any(color in html for color in ROLES.values())
    assert "var(--muted)" in html


def test_its_ids_are_its_own_and_lead_somewhere(html):
    page = Page(html)
    assert len(set(page.ids)) == len(page.ids)
    assert all(each.startswith("one-") for each in page.ids)
    assert set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", html)) <= set(page.ids)


@pytest.mark.parametrize("name", ["steps", "band"])
def test_the_same_values_give_the_same_bytes(name):
    assert DRAWN[name](PLOT) == DRAWN[name](PLOT)


def test_names_are_shown_as_they_are():
    assert "$a$ &lt;b&gt;" in DRAWN["steps"](PLOT)
