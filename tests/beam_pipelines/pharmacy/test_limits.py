"""The limits that a configuration's tables set, and the lengths that it declares."""

from collections.abc import Mapping

import pyarrow as pa
import pytest
import yaml

from beam_pipelines.pharmacy.chain import Chain, make_chain
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.plan import load_plan
from schemas.catalog import packaged_datasets
from tests.configs import plain_config
from transforms.errors import ConfigurationError

POLICIES = ("ops", "limited", "pseudonymised")


def packaged(*overrides: str) -> Chain:
    return make_chain(load_config(None, overrides))


def types(chain: Chain, dataset: str) -> Mapping[str, str]:
    """The columns that have limits, and their types."""
    return {rule.field: rule.type for rule in chain.limits if rule.dataset == dataset}


@pytest.mark.parametrize("policy", POLICIES)
def test_each_text_date_time_and_list_that_the_lake_holds_has_a_limit(policy):
    chain = packaged(f"masking.policy={policy}")
    for dataset, schema in chain.schemas.items():
        free = {f.name for f in schema if f.name not in types(chain, dataset)}
        kinds = {schema.field(name).type for name in free}
        assert all(
            pa.types.is_integer(k) or pa.types.is_boolean(k) or pa.types.is_decimal(k)
            or pa.types.is_floating(k)
            for k in kinds
        ), (dataset, kinds)  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_the_limits_are_those_of_the_tables_that_are_made(policy):
    overrides = [f"masking.policy={policy}"]
    chain = packaged(*overrides)
    for raw in load_plan(load_config(None, overrides)).tables:
        limited = {c.name: c.type.sql for c in raw.columns if c.type.limits}
        assert types(chain, raw.dataset) == limited


def test_a_length_is_declared_once_and_counts_for_both():
    overrides = ["datasets.dispense_event.lengths.tenant_id=48"]
    assert types(packaged(*overrides), "dispense_event")["tenant_id"] == "VARCHAR(48)"
    (raw,) = [t for t in load_plan(load_config(None, overrides)).tables if "disp" in t.table]
    assert {c.name: c.type.sql for c in raw.columns}["tenant_id"] == "VARCHAR(48)"


def test_the_packaged_lengths_leave_few_texts_at_the_default():
    chain = packaged()
    wide = {rule.field for rule in chain.limits if rule.type == "VARCHAR(1024)"}
    assert wide <= {"_warnings", "nonproprietary_name"}
    assert {each.name for each in packaged_datasets()} == {r.dataset for r in chain.limits}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dispense_event.lengths.nothere=9", r"dispense_event\.lengths names nothere, which is no"),
        ("dispense_event.lengths.patient_id=28", r"patient_id 28 bytes, .* may take 29"),
        ("dispense_event.lengths.patient_zip=2", "patient_zip 2 bytes, .* may take 3"),
        ("dispense_event.lengths.prescriber_dea=9", "prescriber_dea 9 bytes, .* may take 10"),
        ("dispense_event.lengths.patient_dob=4", "patient_dob 4 bytes, .* may take 5"),
        ("dispense_event.lengths._warnings=50", "_warnings 50 bytes, and what is written there"),
    ],
)
def test_a_length_without_room_for_what_we_write_is_refused(override, words):
    with pytest.raises(ConfigurationError, match=words):
        packaged(f"datasets.{override}")


def test_room_for_a_pseudonym_counts_the_digits_of_the_keys_version():
    tight = "datasets.dispense_event.lengths.patient_id=29"
    assert packaged(tight)
    with pytest.raises(ConfigurationError, match="may take 30"):
        packaged(tight, "masking.key_version=10")


def test_a_column_that_no_table_can_have_has_no_limit_and_stops_no_lake(tmp_path):
    (tmp_path / "own.avsc").write_text(
        '{"type": "record", "name": "Own", "fields": ['
        '{"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"},'
        ' "phi": {"class": "NONE"}},'
        '{"name": "of_day", "type": {"type": "int", "logicalType": "time-millis"},'
        ' "phi": {"class": "NONE"}}]}'
    )
    topic = {"topic": "t", "dataset": "own", "schema_file": "own.avsc", "event_time": "at"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**plain_config([]), "topics": [topic]}))
    config = load_config(str(tmp_path / "config.yaml"))
    assert types(make_chain(config), "own")["at"] == "TIMESTAMP"
    assert "of_day" not in types(make_chain(config), "own")
    with pytest.raises(ConfigurationError, match="the column of_day is time32"):
        load_plan(config).tables[0].columns  # noqa: B018 - it raises
