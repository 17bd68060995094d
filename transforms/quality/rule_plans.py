"""Rules made ready: bound to the rows and references they are for, as one query per dataset."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.quality.offenses import SOURCE
from transforms.quality.rule_checks import row_schema
from transforms.quality.rules import Rule, RuleSet
from transforms.quality.screening import screens
from transforms.references import References, needed_columns
from transforms.sql import Engine, EvaluationError, Expression, Join
from transforms.sql.pieces import bracketed, tried


class RulePlan:
    """The rules of one dataset, ready to be evaluated.

    Args:
        rules: Of one dataset, by id.
        engine: Evaluates them.
        joins: The references that they name.
        columns: The columns of the rows.
        source_systems: The values of ``source_system`` that findings may name.

    Raises:
        ConfigurationError: A rule doesn't fit the rows, or the references as they are committed.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        engine: Engine,
        joins: Sequence[Join],
        columns: pa.Schema,
        source_systems: Sequence[str] = (),
    ) -> None:
        self.rules = tuple(rules)
        self.engine = engine
        self.joins = tuple(joins)
        self.source_systems = pa.array(source_systems, pa.string())
        seen = row_schema(columns)
        lookups = [sql for join in joins for sql in (join.on, join.at)]
        texts = [*lookups, *map(_verdict, rules)]
        self.columns = [*_named(map(engine.parse, texts), seen), "_offset"]
        if SOURCE in columns.names and SOURCE not in self.columns:
            self.columns.append(SOURCE)
        # A verdict is true where the rule holds, false where it trips, null where it fails.
        self.verdicts = {f"_v{number}": _verdict(rule) for number, rule in enumerate(rules)}
        self._check(seen)
        self.screens = screens(self.rules, self.joins, engine, seen.names)

    def look_up(self, joins: Sequence[Join]) -> None:
        """Takes the references' rows as they are now; names, keys and columns are as they were."""
        self.joins = tuple(joins)
        self.screens = [screen.looking_up(self.joins) for screen in self.screens]

    def _check(self, columns: pa.Schema) -> None:
        try:
            # All at once: one by one they take a second.
            self.engine.select(columns.empty_table(), self.verdicts, self.joins)
        except EvaluationError:
            for rule in self.rules:
                self._bind(rule, columns)
            raise

    def _bind(self, rule: Rule, columns: pa.Schema) -> None:
        try:
            self.engine.bind(rule.expression, columns, self.joins)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"the rule {rule.id} of {rule.dataset}: {error.what}", error.remedy
            ) from error


class RulePlans:
    """The plans of all datasets; made when the first rows of a dataset come.

    Not for use by two threads at once. Holds the keys of links, so it is made on the worker.

    Args:
        rules: All rules.
        references: What they may look up; loaded when the first rule needs them.
        source_systems: Per dataset the allow-list of findings.
    """

    def __init__(
        self,
        rules: RuleSet,
        references: References,
        source_systems: Mapping[str, Sequence[str]],
    ) -> None:
        self._rules = rules
        self._references = references
        self._source_systems = source_systems
        self._engine = references.engine()
        self._view = references.view()
        self._plans: dict[tuple[str, pa.Schema], RulePlan] = {}

    def renew(self) -> None:
        """Takes the references as they are committed by now: for the next segment, as a whole."""
        self._view = self._references.view()

    def of(self, dataset: str, columns: pa.Schema) -> RulePlan | None:
        """Returns the plan for rows of a dataset; None if it has no rules."""
        rules = self._rules.of(dataset)
        if not rules:
            return None
        key = (dataset, columns)
        expressions = [self._engine.parse(rule.expression) for rule in rules]
        joins = self._view.joins(dataset, expressions)
        if key not in self._plans:
            allowed = self._source_systems.get(dataset, ())
            self._plans[key] = RulePlan(rules, self._engine, joins, columns, allowed)
        self._plans[key].look_up(joins)
        return self._plans[key]

    def versions(self, dataset: str) -> dict[str, str]:
        """Returns what verdicts on a dataset depend on, for the segment."""
        versions = {f"rules.{dataset}": self._rules.version(dataset)}
        if self._rules.references_of(dataset):
            versions["references"] = self._view.version()
        return versions


def _verdict(rule: Rule) -> str:
    """Returns an expression: true where a rule holds, false where it trips, null where it fails."""
    # Null holds, as in a CHECK of SQL; TRY makes of a failure a null, which nothing else gives.
    return rule.bounded(tried(f"{bracketed(rule.expression)} IS NOT FALSE"))


def _named(expressions: Iterable[Expression], columns: pa.Schema) -> list[str]:
    needed = needed_columns(expressions)
    return [name for name in columns.names if name.lower() in needed]
