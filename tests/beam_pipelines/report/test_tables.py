"""Tables for people and for screen readers."""

from beam_pipelines.report.markup import NONE
from beam_pipelines.report.tables import MOST_ROWS, Column, left_out, table
from tests.beam_pipelines.report.pages import Page

HOSTILE = '<script>alert("1")</script> & **bold** $x$'


def test_cells_and_headers_are_shown_as_they_are_never_run():
    html = table(HOSTILE, [Column(HOSTILE, [HOSTILE]), Column("n" + HOSTILE, [HOSTILE])])
    page = Page(html)
    assert page.tables == {HOSTILE: [[HOSTILE, "n" + HOSTILE], [HOSTILE, HOSTILE]]}
    assert {"script", "strong", "b"}.isdisjoint(page.tags)


def test_counts_are_right_aligned_and_have_bars_on_request():
    html = table("t", [Column("a", ["x", "y"]), Column("n", [1234, 617], bars=True)])
    assert Page(html).tables["t"][1:] == [["x", "1,234"], ["y", "617"]]
    assert "--w:100%" in html
    assert "--w:50%" in html
    assert html.count('class="gt_right"') == 3


def test_each_cell_names_its_headers():
    html = table("t", [Column("a", ["x"]), Column("b", ["y"])])
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 1
    ids = set(Page(html).ids)
    headers = html.split('<td headers="')[1].split('"')[0].split()
    assert len(headers) == 2
    assert set(headers) <= ids


def test_a_missing_count_is_no_zero():
    shown = Page(table("t", [Column("a", ["x", "y"]), Column("n", [None, 0])])).tables["t"]
    assert [row[1] for row in shown[1:]] == ["–", "0"]  # noqa: RUF001


def test_a_table_without_rows_says_none():
    assert table("t", [Column("a", []), Column("b", [])]) == NONE


def test_what_is_left_out_is_told():
    assert "3 more" in left_out(MOST_ROWS + 3)
    assert left_out(MOST_ROWS) == ""
