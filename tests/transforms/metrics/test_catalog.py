"""All metrics are named once, by fixed names, and nothing that varies can become one."""

import ast
import re
from pathlib import Path

import pytest

import transforms
from transforms.metrics import ALARM_KINDS, CATALOG, Counter, Gauge, catalog

#: Names, or numbers, that a configuration or the code knows beforehand.
LABELS = {
    "topic",
    "partition",
    "disposition",
    "rule",
    "source_system",
    "system",
    "kind",
    "alarm",
    "outcome",
    "table",
    "aggregate",
}
SOURCES = {
    path: path.read_text()
    for path in Path(transforms.__path__[0]).rglob("*.py")
    if path.parent.name != "metrics"
}


def tells():
    """Each call that tells a figure: the metric's name in the code, and its labels."""
    for path, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tell":
                yield path, node.args[0].id, {each.arg: each.value for each in node.keywords}


def test_the_catalog_has_all_that_the_module_defines():
    defined = [each for each in vars(catalog).values() if type(each) in (Counter, Gauge)]
    assert set(defined) <= set(CATALOG)
    assert len({each.name for each in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize("metric", CATALOG, ids=lambda each: each.name)
def test_a_name_says_its_unit_and_suits_both_systems(metric):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric.name)
    assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert set(metric.labels) <= LABELS


def test_each_metric_is_told_somewhere_with_its_labels():
    told = {name: set(labels) for _, name, labels in tells()}
    named = {name: value for name, value in vars(catalog).items() if value in CATALOG}
    assert told == {name: set(metric.labels) for name, metric in named.items()}


def test_no_module_has_metrics_of_its_own():
    assert [path for path, text in SOURCES.items() if "apache_beam.metrics" in text] == []


def test_each_line_that_is_an_alarm_is_counted_by_a_kind_of_its_own():
    lines = sum(len(re.findall(r'"ALARM: ', text)) for text in SOURCES.values())
    kinds = [labels["alarm"].value for _, name, labels in tells() if name == "ALARMS"]
    assert sorted(kinds) == sorted(ALARM_KINDS)
    assert lines == len(kinds)
