"""What the command says on standard output: lines for people, JSON for scripts."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from beam_pipelines.contracts.checking import DatasetReport, Finding
from schemas.compatibility import Level
from schemas.registries import RegisteredSchema

__all__ = ["say", "say_list", "say_reports"]


def say(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{text}\n")


def say_reports(reports: Sequence[DatasetReport], level: Level, form: str) -> None:
    """Prints the outcome of a check.

    Args:
        reports: One for each dataset.
        level: The level that was checked.
        form: ``text`` or ``json``.
    """
    if form == "json":
        say(json.dumps(_document(reports, level), indent=2))
        return
    for report in reports:
        for line in _lines(report):
            say(line)
    broken = sum(bool(report.findings) for report in reports)
    say(f"{len(reports)} datasets at level {level.value}: {broken or 'none'} incompatible")


def say_list(versions: Sequence[RegisteredSchema], form: str) -> None:
    """Prints registered versions."""
    rows = [
        {
            "subject": one.subject,
            "version": one.version,
            "id": one.id,
            "schema": one.schema.fullname,
            "fields": len(one.schema.fields),
            "fingerprint": f"{one.schema.fingerprint:016x}",
        }
        for one in versions
    ]
    if form == "json":
        say(json.dumps(rows, indent=2))
        return
    for row in rows:
        say("{subject} version {version}: id {id}, {schema}, {fields} fields".format_map(row))


def _lines(report: DatasetReport) -> list[str]:
    if not report.registered:
        return [f"new           {report.dataset}: {report.subject} isn't registered yet"]
    if not report.findings:
        versions = "1 version" if report.registered == 1 else f"{report.registered} versions"
        return [f"compatible    {report.dataset}: {versions} of {report.subject}"]
    return [_line(report, finding) for finding in report.findings]


def _line(report: DatasetReport, finding: Finding) -> str:
    found = finding.incompatibility
    return (
        f"incompatible  {report.dataset} version {finding.packaged_version} against "
        f"{report.subject} version {finding.registered_version}: rule {found.rule}, {found.message}"
    )


def _document(reports: Sequence[DatasetReport], level: Level) -> dict[str, Any]:
    return {
        "level": level.value,
        "compatible": not any(report.findings for report in reports),
        "datasets": [
            {
                "dataset": report.dataset,
                "subject": report.subject,
                "registered_versions": report.registered,
                "findings": [_finding(finding) for finding in report.findings],
            }
            for report in reports
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    found = finding.incompatibility
    return {
        "packaged_version": finding.packaged_version,
        "registered_version": finding.registered_version,
        "direction": found.direction,
        "field": found.path,
        "rule": found.rule,
        "message": found.message,
    }
