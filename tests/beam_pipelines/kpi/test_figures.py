"""What is shown of live figures: the largest cells, and no small one."""

import io

import pytest
from rich.console import Console

from beam_pipelines.kpi.figures import LiveFigures
from tests.beam_pipelines.kpi.panes import HOUR, NOON, pane
from transforms.errors import BrokerUnavailableError, RefusedError


class FakeValues:
    def __init__(self, *panes):
        self.waiting = [each.to_bytes() for each in panes]

    def read(self, call_s):
        yield from self.waiting
        self.waiting = []


def shown(figures):
    screen = Console(file=io.StringIO(), width=120)
    screen.print(figures.table())
    return screen.file.getvalue()


def figures(*panes, top=2, aggregate=None):
    values = FakeValues(*panes)
    made = LiveFigures(lambda: values, "kpi", top, aggregate)
    made.look()
    return made


def test_before_there_are_any_that_is_said():
    assert figures().line() == "no figures yet"


def test_the_newest_window_is_shown_with_its_largest_cells():
    made = figures(
        pane("s1", 1_234), pane("s2", 20), pane("s3", 7), pane("s1", 5, start=NOON - HOUR)
    )
    assert made.line() == "fills 2026-03-16 12:00 to 13:00: 1,261 rows, 3 cells"
    text = shown(made)
    assert made.line() in text
    assert "1,234" in text
    assert "s2" in text
    assert "s3" not in text


def test_hidden_cells_are_counted_and_never_listed():
    made = figures(pane("s1", 20), pane("s2", 3, suppressed=True))
    assert made.line().endswith("20 rows, 2 cells, 1 hidden")
    assert "s2" not in shown(made)
    assert "s2" not in shown(figures(pane("s2", 3, suppressed=True)))


def test_local_days_show_both_dates():
    assert "2026-03-16 12:00 to 2026-03-17 12:00" in figures(pane("s1", 5, width=24 * HOUR)).line()


def test_one_aggregate_may_be_asked_for():
    made = figures(pane("s1", 5), pane("s1", 5, aggregate="returns"), aggregate="returns")
    assert made.line().startswith("returns")


def test_a_topic_that_can_not_be_read_yet_is_tried_again():
    answers = [BrokerUnavailableError("it is away", "Wait"), FakeValues(pane("s1", 5))]

    def follow():
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    made = LiveFigures(follow, "kpi", 5)
    with pytest.raises(BrokerUnavailableError):
        made.look()
    made.look()
    made.look()
    assert made.line().startswith("fills")


@pytest.mark.parametrize("value", [b"no JSON", b"{}", b"[]"])
def test_a_message_that_is_no_figure_is_refused_without_its_content(value):
    values = FakeValues()
    values.waiting = [value]
    with pytest.raises(RefusedError, match="the topic kpi holds a message that is no figure") as it:
        LiveFigures(lambda: values, "kpi", 5).look()
    assert "no JSON" not in str(it.value)
