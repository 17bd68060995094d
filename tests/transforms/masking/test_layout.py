import pyarrow as pa
import pytest

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_datasets
from tests.transforms.masking.masks import (
    DATASET,
    ROOT,
    SCHEMA,
    dataset_mask,
    mask_config,
    person,
    table,
)
from transforms.errors import RefusedError
from transforms.masking import POLICIES, DatasetMask, MaskConfig, MaskPlan, masked_schema

PATIENTS = {"dispense_event": "patient_id", "patient_update": "patient_id"}


class TestMaskedSchema:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_it_is_what_the_masks_give(self, policy):
        config = mask_config(policy)
        wanted = masked_schema(SCHEMA, config, DATASET)
        plan = MaskPlan(config, ROOT)
        for rows in ([person(0)], []):
            masked = plan.mask(DATASET, table(rows))
            assert masked.schema.equals(wanted, check_metadata=True)

    @pytest.mark.parametrize("policy", POLICIES)
    @pytest.mark.parametrize("dataset", packaged_datasets(), ids=lambda d: d.name)
    def test_every_packaged_dataset_has_one_under_every_policy(self, policy, dataset):
        config = MaskConfig(
            policy=policy,
            domain="shop",
            key="env:K",
            key_version=1,
            overrides={f"{dataset.name}.sig_text": "drop"}
            if dataset.name == "dispense_event"
            else {},
            datasets={
                dataset.name: DatasetMask(
                    schema=dataset.reader,
                    patient=PATIENTS.get(dataset.name),
                    reference_time=dataset.event_time,
                )
            },
        )
        wanted = masked_schema(arrow_schema(dataset.reader), config, dataset.name)
        assert set(wanted.names) <= {field.name for field in dataset.reader.fields}
        assert dataset.event_time in wanted.names

    def test_lineage_and_warnings_pass_and_masked_columns_are_nullable(self):
        masked = masked_schema(SCHEMA, mask_config(), DATASET)
        assert masked.names[:3] == ["_offset", "_row", "_warnings"]
        assert "name" not in masked.names
        assert masked.field("patient").nullable
        assert not masked.field("at").nullable

    def test_a_column_without_a_class_is_refused_by_name(self):
        extra = SCHEMA.append(pa.field("note", pa.string()))
        with pytest.raises(RefusedError, match=r"visits\.note has no class"):
            masked_schema(extra, mask_config(), DATASET)

    def test_an_unknown_lineage_column_is_no_exception(self):
        extra = SCHEMA.append(pa.field("_raw", pa.string()))
        with pytest.raises(RefusedError, match=r"visits\._raw has no class"):
            masked_schema(extra, mask_config(), DATASET)

    def test_a_derived_column_of_another_type_is_refused_on_the_rows(self):
        config = mask_config(datasets={DATASET: dataset_mask(derived={"age": "Q:age"})})
        wrong = SCHEMA.append(pa.field("age", pa.float64()))
        with pytest.raises(RefusedError, match=r"age_band doesn't fit the column visits\.age"):
            masked_schema(wrong, config, DATASET)

    @pytest.mark.parametrize(
        ("column", "role"), [("patient", "patient"), ("at", "reference_time"), ("country",) * 2]
    )
    def test_a_column_that_the_masks_need_must_be_there(self, column, role):
        lacking = SCHEMA.remove(SCHEMA.get_field_index(column))
        with pytest.raises(RefusedError, match=f"masks of visits need its {role}"):
            masked_schema(lacking, mask_config(), DATASET)
