"""docs/metrics.md and docs/runbook.md, held against the catalog."""

import re
from pathlib import Path

from transforms.metrics import ALARM_KINDS, CATALOG

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "metrics.md").read_text()
RUNBOOK = (DOCS / "runbook.md").read_text()


def rows():
    """The cells of the table of metrics."""
    table = PAGE.partition("## The metrics\n")[2]
    lines = re.findall(r"^\| `.* \|$", table, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_is_the_catalog():
    assert [row[:4] for row in rows()] == [
        [
            f"`{each.name}`",
            type(each).__name__.lower(),
            ", ".join(f"`{label}`" for label in each.labels),
            each.help,
        ]
        for each in CATALOG
    ]


def test_alarms_name_metrics_that_exist():
    named = set(re.findall(r"pharmabeam_([a-z_]+?)(?:_total|_bucket)?[\[)\s`{]", PAGE))
    assert named - {"NAME"} <= {each.name for each in CATALOG}
    assert len(named) > 4


def test_each_alarm_of_the_runbook_is_counted():
    counted = re.findall(r'^- \*\*Counted\*\* as `alarms{alarm="(\w+)"}`$', RUNBOOK, re.MULTILINE)
    assert sorted(counted) == sorted(ALARM_KINDS)


def test_links_to_the_runbook_lead_somewhere():
    links = set(re.findall(r"\]\(runbook\.md#([\w-]+)\)", PAGE))
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    assert links <= {each.lower().replace(" ", "-") for each in headings}
