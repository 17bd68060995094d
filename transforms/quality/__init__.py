"""Data quality: rules as data, their verdicts on rows, and dead letters."""

from transforms.quality.dead_letters import DEAD_LETTERS, SealDeadLetters, open_dead_letters
from transforms.quality.limits import LimitRule
from transforms.quality.rule_files import Fault, RuleFiles, load_rules, read_rule_files
from transforms.quality.rules import Rule, RuleSet, Severity
from transforms.quality.transform import (
    EnforceLimits,
    EnforceLimitsConfig,
    Validate,
    ValidateConfig,
)
from transforms.quality.validate import WARNINGS

__all__ = [
    "DEAD_LETTERS",
    "WARNINGS",
    "EnforceLimits",
    "EnforceLimitsConfig",
    "Fault",
    "LimitRule",
    "Rule",
    "RuleFiles",
    "RuleSet",
    "SealDeadLetters",
    "Severity",
    "Validate",
    "ValidateConfig",
    "load_rules",
    "open_dead_letters",
    "read_rule_files",
]
