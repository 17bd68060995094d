"""docs/runbook.md, held against the code: all that can be seen is in it, and nothing else."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import beam_pipelines
import runners
import schemas
import transforms
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.kpi import cli as kpi
from beam_pipelines.lake import cli as lake
from beam_pipelines.report.meanings import CODES
from beam_pipelines.verify import cli as verify
from beam_pipelines.warehouse import cli as warehouse
from runners.capabilities import REFUSALS
from runners.errors import RunnersError
from runners.flink import _cli as flink
from schemas.errors import SchemasError
from tests.runners.deploy.code_texts import broken_rules, said
from transforms.errors import PipelineError
from transforms.quality.rules import RESERVED

RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()
PARSERS = {
    "beam_pipelines.kpi": kpi._parser,
    "beam_pipelines.lake": lake._parser,
    "beam_pipelines.verify": verify._parser,
    "beam_pipelines.warehouse": warehouse._parser,
    "runners.flink": flink._parser,
}
PARTS = ("Means", "Do", "Don't")
BASES = (PipelineError, SchemasError, RunnersError)


@cache
def sections() -> dict[str, str]:
    """The page's parts, by their headings."""
    found = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def entries(section: str) -> dict[str, str]:
    """The entries of a section, by what stands in the backticks of their headings."""
    found = re.split(r"^### `(.+?)`.*$", sections()[section], flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def cells(section: str, column: int = 0) -> list[str]:
    """The cells of a section's tables, without heads."""
    lines = re.findall(r"^\| .* \|$", sections()[section], re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {0, *(i for i, line in enumerate(lines) if "---" in line)}
    return [row[column] for i, row in enumerate(rows) if i not in heads]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", " ".join(text.split()))


@cache
def everything() -> str:
    return "\n".join(each.text for each in said())


def in_code(phrase: str) -> bool:
    return phrase in everything()


def errors() -> Iterator[type[Exception]]:
    """The classes of errors that a user can meet, wherever they are defined."""
    for package in (schemas, transforms, runners, beam_pipelines):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and "runners.local" not in found.name:
                importlib.import_module(found.name)
    waiting = list(BASES)
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.partition(".")[0] in ("schemas", "transforms", "runners"):
            yield each


def shown() -> set[str]:
    """The names of the classes that are raised: a mere base of others never shows."""
    raised = {each.by for each in said()}
    return {each.__name__ for each in errors() if each.__name__ in raised or is_leaf(each)}


def is_leaf(kind: type[Exception]) -> bool:
    return not kind.__subclasses__()


class TestExitCodes:
    def test_each_has_its_line(self):
        listed = dict(zip(cells("Exit codes"), cells("Exit codes", 1), strict=True))
        assert {int(k): v.strip("`") for k, v in listed.items() if v} == {
            each.value: each.name for each in ExitCode
        }

    def test_that_of_an_interrupted_run_is_told(self):
        assert cells("Exit codes")[-1] == "130"


class TestAlarms:
    ALARMS = sorted(
        each.text for each in said() if each.by == "log.error" and each.text.startswith("ALARM:")
    )

    def test_each_has_its_entry_and_each_entry_its_alarm(self):
        assert sorted(entries("Alarms")) == self.ALARMS
        assert len(self.ALARMS) >= 7

    @pytest.mark.parametrize("name", entries("Alarms"))
    def test_an_entry_says_what_to_do_and_what_not(self, name):
        assert all(f"- **{part}** " in entries("Alarms")[name] for part in PARTS)

    def test_the_text_of_gaps_is_the_code_s(self):
        (warning, *_) = quoted(sections()["Gaps"])
        assert in_code(warning.removeprefix("warning: "))


class TestErrors:
    def test_each_class_has_its_entry_and_each_entry_its_class(self):
        assert set(entries("Errors")) == shown()

    @pytest.mark.parametrize("name", entries("Errors"))
    def test_an_entry_says_how_it_shows_what_it_means_and_what_to_do(self, name):
        text = entries("Errors")[name]
        assert all(f"- **{part}** " in text for part in ("Shows as", *PARTS))

    @pytest.mark.parametrize("name", entries("Errors"))
    def test_what_it_shows_as_is_in_the_code(self, name):
        (shows,) = re.findall(r"- \*\*Shows as\*\* (.*?)\n- ", entries("Errors")[name], re.DOTALL)
        # What comes after "with" is said by AWS.
        phrases = quoted(shows.partition(" with `")[0])
        assert phrases
        assert [phrase for phrase in phrases if not in_code(phrase)] == []


class TestWarnings:
    def test_what_is_listed_is_in_the_code(self):
        listed = [text for cell in cells("Warnings") for text in quoted(cell)]
        plain = [re.sub(r"^(?:warning|error): ", "", each) for each in listed]
        assert [each for each in plain if not in_code(each)] == []

    def test_each_warning_in_a_log_is_listed(self):
        listed = {text for cell in cells("Warnings") for text in quoted(cell)}
        logged = {each.text for each in said() if each.by == "log.warning"}
        assert logged - listed == set()

    def test_each_line_of_the_main_job_is_listed_or_is_a_class_s_own(self):
        listed = {text for cell in cells("Warnings") for text in quoted(cell)}
        written = {
            each.text for each in said() if each.by == "write" and each.text.startswith("error: ")
        }
        own = {each for each in written if not re.search(r"[a-z]{3}", each.removeprefix("error: "))}
        missing = [each for each in written - own if not any(part in each for part in listed)]
        assert missing == []


class TestRefusals:
    def test_the_table_is_the_code_s(self):
        name = "What runners refuse"
        listed = list(zip(cells(name), cells(name, 1), cells(name, 2), strict=True))
        assert listed == [(f"`{s}`", why, instead) for s, (why, instead) in REFUSALS.items()]


class TestReasons:
    def test_each_reason_has_its_line(self):
        listed = [text for cell in cells("Reasons of dead letters") for text in quoted(cell)]
        of_columns = f"{RESERVED}<dataset>.<column>"
        rules = {each for each in listed if re.fullmatch(r"[RL]\d+", each)}
        assert set(listed) - rules == {*CODES, of_columns}
        assert rules == families()

    def test_no_reason_is_there_twice(self):
        listed = cells("Reasons of dead letters")
        assert len(listed) == len(set(listed))


def families() -> set[str]:
    """The packaged rules, by what comes before the point in their ids."""
    text = files("beam_pipelines.pharmacy").joinpath("rules.yaml").read_text()
    return {each["id"].partition(".")[0] for each in yaml.safe_load(text)["rules"]}


class TestVerify:
    def test_each_rule_has_its_line_and_only_one(self):
        listed = [text for cell in cells("What verify finds") for text in quoted(cell)]
        assert sorted(listed) == sorted(broken_rules())


class TestReferences:
    def test_each_class_that_is_named_exists(self):
        named = set(re.findall(r"`(\w+Error)`", RUNBOOK))
        builtin = {"MemoryError"}
        assert named - builtin <= {each.__name__ for each in errors()}

    @pytest.mark.parametrize("command", sorted(set(re.findall(r"`python -m ([^`]+)`", RUNBOOK))))
    def test_each_command_is_one_that_its_program_takes(self, command):
        module, *words = " ".join(command.split()).split(" ")
        PARSERS[module]().parse_args(["0" if word == "..." else word for word in words])

    def test_each_heading_that_is_linked_to_exists(self):
        links = set(re.findall(r"\]\(#([\w-]+)\)", RUNBOOK))
        assert links <= {name.lower().replace(" ", "-") for name in sections()}
