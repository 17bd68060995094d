"""What a lake's policy does to classes of fields."""

from datetime import UTC, datetime

from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.policy import rulings
from transforms.lake import LakeManifest

AT = datetime(2026, 1, 1, tzinfo=UTC)


def ruled(policy: str, *datasets: str) -> dict[str, set[str]]:
    lake = LakeManifest(lake_id="l", policy=policy, key_domain="", partition_columns=())
    versions = {f"masking.{name}": {"v": AT} for name in datasets}
    found: dict[str, set[str]] = {}
    for each in rulings(LakeFacts(root="s3://b/p", lake=lake, versions=versions)):
        found.setdefault(each.cls, set()).add(each.action)
    return found


def test_actions_are_the_policys():
    assert ruled("ops", "dispense_event")["D:mrn"] == {"keep"}
    strict = ruled("pseudonymised", "dispense_event")
    assert strict["D:mrn"] == {"pseudonym"}
    assert strict["Q:date"] == {"age band", "date shift"}
    assert strict["D:free_text"] == {"as configured, redact at least"}


def test_fields_of_masked_datasets_are_named_and_those_of_no_care_are_not():
    lake = LakeManifest(lake_id="l", policy="ops", key_domain="", partition_columns=())
    facts = LakeFacts(root="s3://b/p", lake=lake, versions={"masking.dispense_event": {"v": AT}})
    fields = {field for each in rulings(facts) for field in each.fields}
    assert "dispense_event.patient_id" in fields
    assert not any(name.endswith((".event_id", ".quantity_dispensed")) for name in fields)
    assert {name.split(".")[0] for name in fields} == {"dispense_event"}


def test_nothing_is_told_of_a_policy_or_dataset_that_is_not_ours():
    assert ruled("mine", "dispense_event") == {}
    assert ruled("ops", "order") == {}
    assert ruled("ops") == {}
