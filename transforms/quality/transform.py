"""``Validate``: rows judged by rules; ``EnforceLimits``: rows judged by the warehouse's columns."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import PCollection

from transforms.errors import ConfigurationError
from transforms.guard import guarded
from transforms.metrics import FINDINGS, tell
from transforms.quality.limits import LimitPlan, LimitRule, enforce_limits
from transforms.quality.rule_plans import RulePlans
from transforms.quality.rules import RESERVED, RuleSet
from transforms.quality.validate import validate
from transforms.references import References
from transforms.segment import Segment


@dataclass(frozen=True, kw_only=True)
class ValidateConfig:
    """By which rules rows are judged.

    Attributes:
        rules: Checked by ``load_rules``.
        references: What rules may look up.
        source_systems: Per dataset the values of ``source_system`` by which findings are counted;
            all others count as ``other``.
    """

    rules: RuleSet
    references: References = field(default_factory=References)
    source_systems: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, spec in self.rules.references.items():
            if self.references.specs.get(name) != spec:
                raise ConfigurationError(
                    f"references must hold {name} as the rules declare it",
                    "Make References of the rule set's own references",
                )


class Validate(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Judges each row by the rules of its dataset.

    Guarantees: the verdict on a message is a pure function of its bytes, its broker timestamp and
    the versions of rules and references, wherever segments were cut. A rule that fails on a row
    makes that row's message a dead letter with the rule's id; its neighbors are untouched. Counters
    count what workers did, replays included; the commits' counts are exact.
    """

    def __init__(self, config: ValidateConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        judged: PCollection[Segment] = segments | "JudgeRows" >> beam.ParDo(
            _ValidateFn(self._config)
        )
        return judged

    def display_data(self) -> dict[str, Any]:
        """Shows how many rules each dataset has."""
        rules = self._config.rules
        return {dataset: len(rules.of(dataset)) for dataset in rules.datasets}


class _ValidateFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: ValidateConfig) -> None:
        self._config = config

    def setup(self) -> None:
        config = self._config
        self._plans = RulePlans(config.rules, config.references, config.source_systems)

    def process(self, segment: Segment) -> Iterator[Segment]:
        self._plans.renew()  # Not in ``guarded``, which cuts: all of a segment sees the same.
        judged = guarded(partial(validate, plans=self._plans), segment)
        _count(judged.findings)
        yield judged


@dataclass(frozen=True, kw_only=True)
class EnforceLimitsConfig:
    """What the warehouse's columns demand.

    Attributes:
        rules: One a column that can't take all that its Arrow type can say.
        source_systems: As for ``Validate``.
    """

    rules: Sequence[LimitRule]
    source_systems: Mapping[str, Sequence[str]] = field(default_factory=dict)


class EnforceLimits(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Makes dead letters of rows that the warehouse couldn't take; the last step before the lake.

    Guarantees: no accepted row breaks a limit of its table, as far as that is declared here. The
    verdict on a message is a pure function of its bytes, its broker timestamp and the versions of
    rules, references and masks, wherever segments were cut. Counters as those of ``Validate``.
    """

    def __init__(self, config: EnforceLimitsConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        judged: PCollection[Segment] = segments | "MeasureRows" >> beam.ParDo(
            _EnforceLimitsFn(self._config)
        )
        return judged

    def display_data(self) -> dict[str, Any]:
        """Shows how many columns of each dataset have limits."""
        return dict(Counter(rule.dataset for rule in self._config.rules))


class _EnforceLimitsFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: EnforceLimitsConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._plan = LimitPlan(self._config.rules, self._config.source_systems)

    def process(self, segment: Segment) -> Iterator[Segment]:
        judged = guarded(partial(enforce_limits, plan=self._plan), segment)
        # The others are counted by ``Validate``.
        mine = pc.starts_with(judged.findings.column("rule"), RESERVED)
        _count(judged.findings.filter(mine))
        yield judged


def _count(findings: pa.Table) -> None:
    for (rule, source), count in _counted(findings).items():
        tell(FINDINGS, count, rule=rule, source_system=source)


def _counted(findings: pa.Table) -> Counter[tuple[str, str]]:
    columns = (findings.column(name).to_pylist() for name in ("rule", "source_system"))
    return Counter(zip(*columns, strict=True))
