"""What a lake's policy does to classes of fields."""

from datetime import UTC, datetime

from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.policy import key_versions, rulings
from schemas.classification import Classification
from transforms.lake import LakeManifest
from transforms.masking import DatasetMask, MaskConfig, MaskPlan

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


def test_key_versions_are_those_of_the_newest_masks():
    lake = LakeManifest(lake_id="l", policy="ops", key_domain="", partition_columns=())
    facts = LakeFacts(root="s3://b/p", lake=lake)
    assert key_versions(facts) == []
    facts.versions = {
        "masking.a": {"p plan=0 key=v2:aa": AT, "p plan=0 key=v10:aa": AT.replace(year=2027)},
        "masking.b": {"p plan=0 key=v9:aa": AT},
        "masking.c": {"p plan=0": AT},
    }
    assert key_versions(facts) == ["v9", "v10"]


def test_the_key_version_is_written_as_the_masks_write_it():
    config = MaskConfig(
        policy="limited",
        domain="d",
        key="env:KEY",
        key_version=7,
        datasets={"people": DatasetMask(classes={"id": Classification("D:mrn")})},
    )
    version = MaskPlan(config, "11" * 32).versions("people")["masking.people"]
    lake = LakeManifest(lake_id="l", policy="limited", key_domain="d", partition_columns=())
    facts = LakeFacts(root="s3://b/p", lake=lake, versions={"masking.people": {version: AT}})
    assert key_versions(facts) == ["v7"]
