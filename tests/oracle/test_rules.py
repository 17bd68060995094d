"""The oracle's rules against the packaged file's, and a row of each kind of verdict."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
import yaml

from tests.oracle.references import References
from tests.oracle.rules import RULES, Finding, judged

SYSTEMS = frozenset({"rxhub"})


def packaged() -> dict[tuple[str, str], tuple[str, str]]:
    text = files("beam_pipelines.pharmacy").joinpath("rules.yaml").read_text("utf-8")
    listed = yaml.safe_load(text)["rules"]
    return {(r["dataset"], r["id"]): (r["severity"], r["field"]) for r in listed}


def test_each_packaged_rule_has_its_oracle_and_no_oracle_is_without_a_rule():
    told = {
        (dataset, rule): (severity, field)
        for dataset, rules in RULES.items()
        for rule, (severity, field, _) in rules.items()
    }
    assert told == packaged()


PATIENT: Mapping[str, Any] = {
    **dict.fromkeys(
        ("first_name", "last_name", "address_line1", "city", "email", "death_date", "birth_date")
    ),
    "event_id": "0" * 36,
    "event_time": 0,
    "source_system": "rxhub",
    "patient_id": "P1",
    "op": "UPSERT",
    "country": "US",
    "postal_code": "10001",
    "state": "NY",
}


def judgment(**changes: Any) -> Any:
    seen = References().seen("patient_update", {**PATIENT, **changes}, 0)
    return judged("patient_update", seen, SYSTEMS)


def test_a_sound_row_has_no_findings():
    found = judgment()
    assert (found.findings, found.reason, found.warnings) == ((), "", ())


def test_warnings_are_listed_and_an_alert_is_only_found():
    found = judgment(op="DECEASED", postal_code="90210", event_time=-401 * 86_400_000_000)
    assert (found.reason, found.warnings) == ("", ("R01.late", "R27"))
    assert Finding("R15.deceased", "alert", "rxhub") in found.findings


def test_the_first_error_by_id_is_the_reason_and_all_trips_are_found():
    found = judgment(event_id="x", patient_id="", birth_date=2, source_system="elsewhere")
    assert (found.reason, found.field) == ("L02", "patient_id")
    assert [each.rule for each in found.findings] == ["L02", "R01", "R15"]
    assert {each.source_system for each in found.findings} == {"other"}


def test_a_rule_that_can_not_judge_is_an_error_whatever_it_is_else():
    found = judgment(death_date=2**30, birth_date=None)
    assert Finding("R15.age", "error", "rxhub") in found.findings
    assert found.reason == "R15.age"


@pytest.mark.parametrize("column", ["birth_date", "death_date", "postal_code", "state"])
def test_what_is_unknown_holds(column):
    assert judgment(**{column: None}).findings == ()
