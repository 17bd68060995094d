"""``python -m beam_pipelines.report`` on lakes in memory."""

import pytest

from beam_pipelines.report import cli
from tests.fakes.lake import FakeLake, segment
from tests.fakes.object_store import Fault


@pytest.fixture
def lake(monkeypatch) -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 20, dead=[5]), segment(20, 30))
    monkeypatch.setattr(cli, "ObjectStore", lambda root, settings: made.bucket.store(root))
    return made


def run(capsys, output, *argv: str) -> tuple[int, str, str]:
    code = cli.main(["--lake_root", "s3://bucket/lake", "--output", str(output), *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_file_is_written_and_says_how_it_was_made(lake, capsys, tmp_path):
    output = tmp_path / "new" / "report.html"
    code, out, err = run(capsys, output)
    assert (code, err) == (0, "")
    assert "kB" in out
    assert "python -m beam_pipelines.report --lake_root s3://bucket/lake<" in output.read_text()
    assert [each.name for each in output.parent.iterdir()] == ["report.html"]


def test_where_it_is_written_does_not_show(lake, capsys, tmp_path):
    run(capsys, tmp_path / "a.html")
    run(capsys, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_bounds_choose_commits_and_are_told(lake, capsys, tmp_path):
    output = tmp_path / "report.html"
    bounds = ("--since", "2026-01-31T00:00:00.020Z", "--until", "2026-02-01T00:00:00Z")
    assert run(capsys, output, *bounds)[0] == 0
    assert "<b>10</b><span>messages read" in output.read_text().replace('<b class="">', "<b>")
    assert "--since 2026-01-31T00:00:00.020000Z --until 2026-02-01T00:00:00Z<" in output.read_text()
    assert "before 2026-02-01 00:00:00 UTC" in output.read_text()


@pytest.mark.parametrize("bound", ["yesterday", "2026-01-31T00:00:00"])
@pytest.mark.parametrize("flag", ["--since", "--until"])
def test_a_bound_that_is_no_time_is_refused_by_its_name(lake, capsys, tmp_path, flag, bound):
    code, out, err = run(capsys, tmp_path / "r.html", flag, bound)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert flag in err


def test_bounds_in_the_wrong_order_are_refused(lake, capsys, tmp_path):
    bounds = ("--since", "2026-02-01T00:00:00Z", "--until", "2026-01-31T00:00:00Z")
    assert run(capsys, tmp_path / "r.html", *bounds)[0] == 2


def test_a_prefix_without_lake_is_refused_and_the_old_report_stays(lake, capsys, tmp_path):
    output = tmp_path / "report.html"
    output.write_text("old")
    lake.store.plant("_lake.json", None)
    code, out, err = run(capsys, output)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert output.read_text() == "old"


def test_an_outage_in_the_middle_is_a_refusal(lake, capsys, tmp_path, monkeypatch):
    store = lake.bucket.store(patience_s=1)
    store.fail(Fault.LOST_REQUEST, "get_object", key="_commits/", times=1000)
    monkeypatch.setattr(cli, "ObjectStore", lambda root, settings: store)
    code, _, err = run(capsys, tmp_path / "r.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "could not be read" in err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cant_be_written_is_refused_in_one_line(lake, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, tmp_path / "file" / "r.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "--output" in err


def test_a_missing_library_is_told_before_anything_is_read(lake, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "LIBRARIES", ("great_tables", "no_such_library"))
    code, _, err = run(capsys, tmp_path / "r.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "no_such_library" in err
    assert "pharmabeam[report]" in err
    assert "great_tables and" not in err
