"""Which figures count, and which windows are the newest."""

from beam_pipelines.kpi.board import Board
from tests.beam_pipelines.kpi.panes import HOUR, NOON, pane


def board(*panes, **settings):
    made = Board(**settings)
    made.add(panes)
    return made


def cells(window):
    return [each.dimensions["store"] for each in window.panes]


class TestWhatCounts:
    def test_of_a_cell_s_panes_the_greatest_version_counts_whenever_it_came(self):
        made = board(pane("s1", 5), pane("s1", 9))
        made.add([pane("s1", 7)])
        (window,) = made.newest()
        assert [each.version for each in window.panes] == [9]

    def test_a_lake_that_was_begun_anew_replaces_what_was_there(self):
        made = board(pane("s1", 9), pane("s2", 9))
        made.add([pane("s1", 1, lake="lake-2")])
        assert [each.lake for each in made.panes()] == ["lake-2"]

    def test_so_does_another_declaration_but_of_this_aggregate_only(self):
        made = board(pane("s1", 9), pane("s1", 9, aggregate="returns"))
        made.add([pane("s1", 1, definition="d2")])
        assert [(each.aggregate, each.definition) for each in made.panes()] == [
            ("fills", "d2"),
            ("returns", "d1"),
        ]


class TestTheNewestWindows:
    def test_cells_with_most_rows_come_first_and_hidden_ones_last(self):
        hidden = pane("s4", 3, suppressed=True)
        (window,) = board(pane("s1", 5), hidden, pane("s2", 9), pane("s3", 5)).newest()
        assert cells(window) == ["s2", "s1", "s3", "s4"]
        assert (window.rows, window.hidden) == (19, 1)

    def test_an_older_window_is_not_among_them(self):
        (window,) = board(pane("s1", 5, start=NOON + HOUR), pane("s2", 9)).newest()
        assert (window.start, window.end) == (NOON + HOUR, NOON + 2 * HOUR)
        assert cells(window) == ["s1"]

    def test_one_with_hidden_cells_only_waits_until_it_has_something_to_show(self):
        hidden = pane("s1", 3, start=NOON + HOUR, suppressed=True)
        made = board(pane("s2", 20), hidden)
        assert [each.start for each in made.newest()] == [NOON]
        made.add([pane("s1", 30, start=NOON + HOUR)])
        assert [each.start for each in made.newest()] == [NOON + HOUR]
        assert [each.start for each in board(hidden).newest()] == [NOON + HOUR]

    def test_windows_that_slide_are_of_another_kind(self):
        made = board(pane("s1", 5), pane("s2", 9, width=2 * HOUR), pane("s3", 1, aggregate="a"))
        assert [(each.aggregate, cells(each)) for each in made.newest()] == [
            ("a", ["s3"]),
            ("fills", ["s1"]),
            ("fills", ["s2"]),
        ]


class TestMemory:
    PANES = tuple(pane("s1", 5, start=NOON + n * HOUR) for n in range(4))

    def test_only_so_many_windows_of_a_kind_are_kept(self):
        made = board(*self.PANES, pane("s1", 1, aggregate="returns"), windows=2)
        assert [each.window_start for each in made.panes()] == [
            NOON + 2 * HOUR,
            NOON + 3 * HOUR,
            NOON,
        ]

    def test_by_default_all_are(self):
        assert len(board(*self.PANES).panes()) == 4
