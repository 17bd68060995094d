"""The star schema of a configuration: what it may say, and what it makes of the datasets."""

from functools import cache

import pytest
import yaml

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.star import build_star
from schemas.arrow_types import arrow_schema
from transforms.errors import ConfigurationError
from transforms.redshift import LoadPlan, Statements
from transforms.redshift.star import StarTable

SCHEMA = Statements("wh")


@cache
def packaged_plan(*overrides: str) -> LoadPlan:
    """Building a plan checks a whole configuration, which takes a while: each is built once."""
    return load_plan(load_config(None, overrides))


def star(*overrides: str) -> dict[str, StarTable]:
    """The packaged star with changes of its own, on the packaged datasets."""
    raws = {raw.dataset: raw for raw in packaged_plan().tables}
    config = load_config(None, overrides)
    fields = {name: arrow_schema(reader).names for name, reader in config.readers().items()}
    return {each.table: each for each in build_star(config.warehouse, raws, fields)}


def columns(plan: LoadPlan, table: str) -> dict[str, str]:
    (found,) = (each for each in plan.star if each.table == table)
    return {column.name: column.type.sql for column in found.columns}


def test_types_follow_the_masking_policy():
    plans = [packaged_plan(), packaged_plan("masking.policy=ops")]
    kinds = [columns(plan, "dim_patient")["birth_date"] for plan in plans]
    assert kinds == ["VARCHAR(16)", "DATE"]


def test_a_column_that_the_masks_drop_is_left_out():
    masks = "masking.fields.dispense_event={sig_text: drop, patient_zip: drop}"
    assert "patient_zip" in columns(packaged_plan(), "fact_dispense")
    assert "patient_zip" not in columns(packaged_plan(masks), "fact_dispense")


def test_facts_lie_beside_the_patients_that_they_are_bound_to():
    found = star()
    places = {found[n].storage.distribution for n in ("dim_patient", "fact_dispense", "fact_claim")}
    assert places == {"patient_link"}
    made = found["fact_dispense"].create(SCHEMA)
    assert "DISTSTYLE KEY DISTKEY (patient_link) SORTKEY (event_time)" in made


def test_the_leading_sort_column_is_not_compressed():
    made = star()["fact_claim"].create(SCHEMA)
    assert '"event_time" TIMESTAMP ENCODE RAW' in made
    assert '"patient_link" BIGINT ENCODE AZ64' in made
    assert '"event_type" VARCHAR(32) ENCODE ZSTD' in made


def test_a_changed_condition_is_another_definition():
    changed = star("warehouse.tables.fact_claim.where=event_type = 'CLAIM_PAID'")
    digests = [each["fact_claim"].definition() for each in (star(), star(), changed)]
    assert digests[0] == digests[1] != digests[2]


def test_a_fact_is_another_one_if_its_dimension_is():
    before, after = star(), star("warehouse.tables.dim_patient.ends=[DELETE]")
    assert before["fact_claim"].definition() != after["fact_claim"].definition()
    assert before["fact_inventory"].definition() == after["fact_inventory"].definition()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("warehouse.tables.fact_claim.dataset=nothing", "which no topic carries"),
        ("warehouse.tables.fact_claim.columns=[colour]", "names colour, which dispense_event"),
        ("warehouse.tables.fact_claim.columns=[reject_codes]", "which is SUPER"),
        ("warehouse.tables.fact_claim.key=colour", "which has no such column"),
        ("warehouse.tables.fact_claim.columns=[event_time, event_time]", "event_time twice"),
        (
            "warehouse.tables.fact_claim.bindings.patient_key.dimension=dim_drug",
            "is bound to dim_drug, which is no table of mode scd2",
        ),
        ("warehouse.tables.fact_claim.bindings.patient_key.at=[]", "is bound by no time"),
        ("warehouse.tables.dim_patient.key=event_id", "must be BIGINT"),
        ("warehouse.tables.dim_patient.tracked=[]", "tracks no column"),
        ("warehouse.tables.dim_patient.operation=state_of", "that it doesn't track"),
        ("warehouse.tables.dim_drug.storage.sort=[colour]", "sorted by colour"),
        ("warehouse.tables.dim_date.last=1999-01-01", "1 to 100,000 days"),
    ],
)
def test_a_table_that_can_not_be_is_refused(override, message):
    with pytest.raises(ConfigurationError, match=message):
        star(override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("warehouse.tables.Fact={mode: members}", "should match pattern"),
        ("warehouse.tables.fact_claim.mode=append", "mode"),
        ("warehouse.tables.fact_claim.colour=red", "is not a known key"),
    ],
)
def test_what_a_star_can_not_say_is_refused(override, message):
    with pytest.raises(ConfigurationError, match=message):
        load_config(None, [override])


def test_a_star_may_stand_in_a_file_beside_the_configuration(tmp_path):
    config = {"topics": [{"topic": "t", "dataset": "drug_ref"}], "warehouse": "mine.yaml"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    calendar = {"mode": "calendar", "first": "2026-01-01", "last": "2026-12-31"}
    days = {"tables": {"days": {**calendar, "storage": {"distribution": "ALL"}}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(days))
    found = load_config(str(tmp_path / "config.yaml"))
    assert [each.table for each in load_plan(found).star] == ["days"]


def test_a_star_whose_file_is_missing_is_refused(tmp_path):
    config = {"topics": [{"topic": "t", "dataset": "drug_ref"}], "warehouse": "mine.yaml"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigurationError, match=r"mine\.yaml can't be read"):
        load_config(str(tmp_path / "config.yaml"))
