"""Rule files: read, checked against schemas, and refused with file, line, rule id and reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
from pydantic import ValidationError

from transforms.errors import ConfigurationError
from transforms.quality.marked_yaml import MarkedYaml, MarkedYamlError, parse_marked
from transforms.quality.rule_checks import RuleChecker
from transforms.quality.rules import RuleSet, overlapping

#: Faults that an exception names in full; the command ``rules check`` names all.
_NAMED: Final = 3


class TextFile(Protocol):
    """A file of a folder or of a package: ``pathlib.Path``, or what ``importlib.resources`` has."""

    @property
    def name(self) -> str:
        """Its name without the folder."""

    def read_text(self, encoding: str | None = None) -> str:
        """Returns its text."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a rule file.

    Attributes:
        file: The file as it was named.
        line: The line, from 1.
        rule: The rule's id; empty if it concerns none.
        reason: What is wrong, in one sentence.
    """

    file: str
    line: int
    rule: str
    reason: str

    def __str__(self) -> str:
        who = f"rule {self.rule}: " if self.rule else ""
        return f"{self.file}:{self.line}: {who}{self.reason}"


@dataclass
class RuleFiles:
    """Rule files read together.

    Attributes:
        rules: The rules of all files; those of a faulty file are missing.
        faults: What is wrong.
    """

    rules: RuleSet = field(default_factory=RuleSet)
    faults: list[Fault] = field(default_factory=list)


def load_rules(
    *files: TextFile | str,
    schemas: Mapping[str, pa.Schema] | None = None,
    committed: Mapping[str, pa.Schema] | None = None,
) -> RuleSet:
    """Reads rule files that count together.

    Args:
        files: YAML files (paths as text, or files of a package). References that two files declare
            must be equal.
        schemas: Per dataset its columns; those of the packaged datasets by default.
        committed: Per dataset that references hold, the columns that masks leave as they are; those
            of ``schemas`` by default.

    Raises:
        ConfigurationError: A file is faulty: names file, line, rule and reason.
    """
    read = read_rule_files(*files, schemas=schemas, committed=committed)
    if read.faults:
        named = "; ".join(str(fault) for fault in read.faults[:_NAMED])
        more = len(read.faults) - _NAMED
        raise ConfigurationError(
            named + (f"; and {more} more" if more > 0 else ""),
            "Correct it; `python -m beam_pipelines.rules check` names every fault",
        )
    return read.rules


def read_rule_files(
    *files: TextFile | str,
    schemas: Mapping[str, pa.Schema] | None = None,
    committed: Mapping[str, pa.Schema] | None = None,
) -> RuleFiles:
    """Reads rule files and returns what is right and what is wrong; see ``load_rules``."""
    read = RuleFiles()
    parsed = [each for each in (_parsed(file, read.faults) for file in files) if each is not None]
    places = [_Place(each, number) for each in parsed for number in range(len(each.rules.rules))]
    merged = _merged(parsed, read.faults)
    rules = [rule for each in parsed for rule in each.rules.rules]
    for first, second in overlapping(rules):
        reason = f"its id stands at {places[first]} too, and both count on some date"
        read.faults.append(places[second].fault(reason, "id"))
    checker = RuleChecker(merged, schemas, committed)
    for name, reason in checker.reference_faults():
        read.faults.append(_reference_fault(parsed, name, reason))
    for place, rule in zip(places, rules, strict=True):
        read.faults.extend(place.fault(reason, key) for key, reason in checker.faults(rule))
    read.faults.sort(key=lambda fault: (fault.file, fault.line))
    order = sorted(rules, key=lambda rule: (rule.dataset, rule.id, rule.version))
    read.rules = RuleSet(rules=tuple(order), references=merged)
    return read


@dataclass(frozen=True)
class _Parsed:
    """A file whose form is right."""

    file: str
    document: MarkedYaml
    rules: RuleSet


@dataclass(frozen=True)
class _Place:
    """Where a rule stands."""

    parsed: _Parsed
    number: int

    def fault(self, reason: str, key: str) -> Fault:
        line = self.parsed.document.line(("rules", self.number, key))
        rule = self.parsed.rules.rules[self.number].id
        return Fault(file=self.parsed.file, line=line, rule=rule, reason=reason)

    def __str__(self) -> str:
        return f"{self.parsed.file}:{self.parsed.document.line(('rules', self.number))}"


def _parsed(file: TextFile | str, faults: list[Fault]) -> _Parsed | None:
    named = str(file) if isinstance(file, str | Path) else file.name
    try:
        text = (Path(file) if isinstance(file, str) else file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigurationError(
            f"the rule file {named} can't be read ({why})", "Check its path"
        ) from error
    try:
        document = parse_marked(text)
        value = {} if document.value is None else document.value
        return _Parsed(named, document, RuleSet.model_validate(value))
    except MarkedYamlError as error:
        faults.append(Fault(file=named, line=error.line, rule="", reason=error.reason))
    except ValidationError as error:
        faults.extend(_form_faults(named, document, error))
    return None


def _form_faults(file: str, document: MarkedYaml, error: ValidationError) -> Iterator[Fault]:
    seen: set[tuple[str | int, ...]] = set()
    for each in error.errors(include_url=False, include_input=False):
        # A value that may have one of several types has a fault per type: the first will do.
        path = each["loc"][:4]
        if path not in seen:
            seen.add(path)
            line, rule = document.line(path), _rule_id(document.value, path)
            yield Fault(file=file, line=line, rule=rule, reason=_reason(each, path))


def _reason(error: Any, path: Sequence[str | int]) -> str:
    key = ".".join(str(part) for part in (path[2:] if path[:1] == ("rules",) else path))
    if error["type"] == "extra_forbidden":
        return f"{key} is not a known key"
    if error["type"] == "missing":
        return f"{key} is missing"
    text = error["msg"].removeprefix("Value error, ")
    return f"{key}: {text}" if key else text


def _rule_id(value: Any, path: Sequence[str | int]) -> str:
    try:
        found = value["rules"][path[1]]["id"] if path[0] == "rules" else ""
    except (LookupError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def _merged(parsed: Sequence[_Parsed], faults: list[Fault]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for each in parsed:
        for name, spec in each.rules.references.items():
            if merged.setdefault(name, spec) != spec:
                line = each.document.line(("references", name))
                reason = f"the reference {name} is another one in a file before it"
                faults.append(Fault(file=each.file, line=line, rule="", reason=reason))
    return merged


def _reference_fault(parsed: Sequence[_Parsed], name: str, reason: str) -> Fault:
    holder = next(each for each in parsed if name in each.rules.references)
    line = holder.document.line(("references", name))
    return Fault(file=holder.file, line=line, rule="", reason=reason)
