"""What the command shows: tables for people, JSON for scripts. Never a value of a row."""

import sys
from collections.abc import Sequence
from typing import Any

import orjson
from rich import box
from rich.markup import escape
from rich.table import Table

from beam_pipelines.rules.trial import Trial
from beam_pipelines.terminal import console
from transforms.quality import Fault, RuleFiles, Severity

_WOULD = {Severity.ERROR: "reject", Severity.WARN: "warn of", Severity.ALERT: "alert of"}


def show_check(files: Sequence[str], read: RuleFiles, form: str) -> None:
    """Shows every fault, or that there is none."""
    if form == "json":
        _write({"correct": not read.faults, "faults": [vars(fault) for fault in read.faults]})
        return
    for fault in read.faults:
        _line(fault)
    if not read.faults:
        rules = read.rules
        looked_up = f", looking up {', '.join(rules.references)}" if rules.references else ""
        on = ", ".join(f"{len(rules.of(dataset))} on {dataset}" for dataset in rules.datasets)
        _say(f"{', '.join(files)}: correct; rules: {on or 'none'}{looked_up}")


def show_explained(explained: Sequence[dict[str, Any]], form: str) -> None:
    """Shows what rules do."""
    if form == "json":
        _write({"rules": list(explained)})
        return
    screen = console()
    for dataset in dict.fromkeys(each["dataset"] for each in explained):
        shown = Table(title=dataset, title_justify="left", box=box.SIMPLE, pad_edge=False)
        for column in ("rule", "trips when", "then", "field", "counts", "looks up", "owner"):
            shown.add_column(column, overflow="fold", no_wrap=column == "rule")
        for each in explained:
            if each["dataset"] == dataset:
                shown.add_row(*map(escape, _cells(each)))
        screen.print(shown)


def show_trials(trials: Sequence[Trial], policy: str, form: str) -> None:
    """Shows what rules would have done."""
    if form == "json":
        _write({"policy": policy, "trials": [trial.to_dict() for trial in trials]})
        return
    shown = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("dataset", "rule", "would", "rows", "of", "by source system", "fails on"):
        shown.add_column(
            column, justify="right" if column in ("rows", "of", "fails on") else "left"
        )
    shown.add_column("first messages", overflow="fold")
    for trial in trials:
        if not trial.untried:
            shown.add_row(*map(escape, _counts(trial)))
    console().print(shown)
    for trial in trials:
        if trial.untried:
            _say(f"{trial.rule.dataset} {trial.rule.id} can't be tried: {trial.untried}")
    _say(
        f"The lake's policy is {policy}; rows that were rejected before are not in it. "
        "Nothing was written."
    )


def _cells(each: dict[str, Any]) -> tuple[str, ...]:
    looked_up = [
        f"{name} ({', '.join(one['columns'])})" if one["columns"] else name
        for name, one in each["references"].items()
    ]
    return (
        f"{each['id']} v{each['version']}" if each["version"] else each["id"],
        each["trips"],
        each["then"],
        each["field"],
        each["counts"],
        ", ".join(looked_up) or "-",
        each["owner"],
    )


def _counts(trial: Trial) -> tuple[str, ...]:
    rule = trial.rule
    return (
        rule.dataset,
        rule.id,
        _WOULD[rule.severity],
        f"{trial.trips.total():,}",
        f"{trial.rows:,}",
        ", ".join(f"{name} {count:,}" for name, count in sorted(trial.trips.items())) or "-",
        f"{trial.fails:,}",
        ", ".join(f"{topic}[{number}]@{offset}" for topic, number, offset in trial.places) or "-",
    )


def _line(fault: Fault) -> None:
    _say(" ".join(str(fault).split()))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _write(value: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
