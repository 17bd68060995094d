"""What a rule does, in words."""

from collections.abc import Iterable
from typing import Any, Final

from transforms.quality import LimitRule, Rule, RuleSet, Severity
from transforms.references import needed_columns
from transforms.sql import Engine
from transforms.sql.functions import FUNCTIONS

_HAPPENS: Final = {
    Severity.ERROR: "becomes a dead letter",
    Severity.WARN: "passes, flagged",
    Severity.ALERT: "passes, counted",
}


def explain_rules(rules: RuleSet) -> list[dict[str, Any]]:
    """Returns per rule what it looks at, when it counts and what it does, as plain values."""
    engine = Engine(FUNCTIONS)
    return [_explained(rule, rules, engine) for name in rules.datasets for rule in rules.of(name)]


def explain_limits(limits: Iterable[LimitRule]) -> list[dict[str, Any]]:
    """Returns the same of the rules that follow from the warehouse's columns."""
    return [_limit(rule) for rule in sorted(limits, key=lambda rule: rule.id)]


def period(rule: Rule) -> str:
    """Returns in words on which broker dates a rule counts."""
    parts = [f"from {rule.since}"] if rule.since else []
    parts += [f"until {rule.until}"] if rule.until else []
    return " ".join(parts) or "always"


def _explained(rule: Rule, rules: RuleSet, engine: Engine) -> dict[str, Any]:
    needed = needed_columns([engine.parse(rule.expression)])
    looked_up = {
        name: {"dataset": spec.dataset, "columns": sorted(needed[name])}
        for name, spec in rules.references_of(rule.dataset).items()
        if name in needed
    }
    return {
        "dataset": rule.dataset,
        "id": rule.id,
        "version": rule.version,
        "severity": rule.severity.value,
        "field": rule.field,
        "expect": " ".join(rule.expression.split()),
        "trips": rule.message,
        "then": _HAPPENS[rule.severity],
        "counts": period(rule),
        "from": rule.since and rule.since.isoformat(),
        "until": rule.until and rule.until.isoformat(),
        "references": looked_up,
        "owner": rule.owner,
    }


def _limit(rule: LimitRule) -> dict[str, Any]:
    return {
        "dataset": rule.dataset,
        "id": rule.id,
        "version": None,
        "severity": rule.severity.value,
        "field": rule.field,
        "expect": rule.expected,
        "trips": rule.message,
        "then": _HAPPENS[rule.severity],
        "counts": "always",
        "from": None,
        "until": None,
        "references": {},
        "owner": "the warehouse",
    }
