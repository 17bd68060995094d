"""``--explain``: all of a run's settings, and touching nothing."""

import subprocess
import sys

import pytest
import yaml

from beam_pipelines.pharmacy.cli import main
from beam_pipelines.pharmacy.config import load_config


def explained(capsys, *flags):
    assert main(["--explain", *flags]) == 0
    return capsys.readouterr().out


def test_the_configuration_is_printed_in_full_and_can_be_read_again(capsys, tmp_path):
    text = explained(capsys, "config", "--set", "segment.messages=123")
    path = tmp_path / "all.yaml"
    path.write_text(text)
    assert yaml.safe_load(text)["kafka"]["group_id"] == "pharmabeam"
    assert load_config(str(path)) == load_config(None, ["segment.messages=123"])


def test_secrets_show_as_references(capsys, monkeypatch):
    monkeypatch.setenv("MASKING_KEY", "ab" * 32)
    assert "abab" not in explained(capsys, "all")


def test_the_graph_names_each_part_with_what_it_does(capsys):
    lines = explained(capsys, "graph").splitlines()
    parts = [line.removeprefix("-> ").split()[0] for line in lines if line[0] != " "]
    assert parts == [
        "ReadFromKafka", "EnforceSchema", "Validate", "MapTables", "MaskFields", "EnforceLimits",
        "WriteToS3",
    ]  # fmt: skip
    assert any("dispense_event: ndc11, store_time_zone" in line for line in lines)
    assert any("pharmacy_ref: 16 columns" in line for line in lines)
    assert any("dispense_event: patient_link, fill_key" in line for line in lines)


LOGIN = ("--redshift_host=h", "--redshift_user=u", "--redshift_password=env:P")


def test_with_a_warehouse_the_graph_goes_on_from_the_commits(capsys):
    lines = explained(capsys, "graph", *LOGIN, "--redshift_schema=wh").splitlines()
    parts = [line.split()[:2] for line in lines if line[0] != " "]
    assert [each[0] for each in parts if each[0] != "->"] == ["ReadFromKafka", "ReadCommits"]
    assert parts[-1] == ["->", "WriteToRedshift"]
    assert "       schema wh" in lines
    assert "       raw_dispense_event" in lines


def test_with_a_topic_of_live_figures_the_graph_goes_on_from_the_commits(capsys):
    flags = ["--set", "kpi.topic=figures", "--set", "kpi.since=2026-03-01T00:00:00Z"]
    lines = explained(capsys, "graph", *flags).splitlines()
    (begin,) = [n for n, line in enumerate(lines) if line.startswith("ReadPartials")]
    assert lines[begin + 1] == "       without state from 2026-03-01 00:00 UTC on"
    assert lines[begin + 2].startswith("-> FirePanes-fills_per_store")
    assert lines[begin + 3].endswith("cells below 11 hidden")
    assert lines[-2].startswith("-> PublishPanes")
    assert lines[-1] == "       topic figures"


def test_the_graph_for_graphviz_leads_from_the_reader_to_the_sink(capsys):
    text = explained(capsys, "dot")
    assert text.startswith("digraph")
    edges = dict(
        (part.strip('" ;') for part in line.split("->"))
        for line in text.splitlines()
        if "->" in line
    )
    step = "ReadFromKafka/Start"
    while step in edges:
        step = edges[step]
    assert step == "WriteToS3/ReportRun"


def test_beams_flags_come_with_their_reasons(capsys):
    assert "# the runner that was asked for" in explained(capsys, "flags", "--runner=flink")


def test_what_does_not_fit_together_is_told_in_one_line(capsys):
    code = main(["--explain", "--set", "masking.policy=limited", "--set", "masking.domain="])
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("flags", [[], ["--mode=drain"]])
def test_a_run_needs_its_servers(flags):
    ended = subprocess.run(
        [sys.executable, "-m", "beam_pipelines.pharmacy", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "--lake_root" in ended.stderr
