import pickle

import pyarrow as pa
import pytest

from schemas.catalog import packaged_dataset
from schemas.classification import Classification
from schemas.model import AvroSchema
from tests.transforms.masking.masks import CLASSES, DATASET, dataset_mask, mask_config
from transforms.errors import ConfigurationError
from transforms.masking import DatasetMask, MaskConfig


class TestDatasetMask:
    @pytest.mark.parametrize("changes", [{"classes": None}, {"schema": object()}])
    def test_it_has_a_schema_or_classes(self, changes):
        with pytest.raises(ConfigurationError, match="either schema or classes"):
            dataset_mask(**changes)

    def test_a_schema_gives_classes_and_types(self):
        columns = DatasetMask(schema=packaged_dataset("dispense_event").reader).columns()
        assert columns.classes["patient_id"].cls == "D:mrn"
        assert columns.types["reject_codes"] == pa.list_(pa.field("item", pa.string(), False))

    def test_derived_columns_come_last_with_their_class(self):
        derived = {"age": "Q:age", "picked": Classification("Q:date", "shift")}
        columns = dataset_mask(derived=derived).columns()
        assert columns.names[-2:] == ("age", "picked")
        assert columns.classes["age"] == Classification("Q:age")

    def test_a_derived_column_cannot_take_a_fields_class_away(self):
        with pytest.raises(ConfigurationError, match="derived column name has the name of a field"):
            mask_config(datasets={DATASET: dataset_mask(derived={"name": "NONE"})})

    @pytest.mark.parametrize("role", ["patient", "reference_time", "country"])
    def test_a_role_names_a_column(self, role):
        with pytest.raises(ConfigurationError, match=f"{role} is nobody, which is no column"):
            mask_config(datasets={DATASET: dataset_mask(**{role: "nobody"})})

    @pytest.mark.parametrize(
        ("role", "column"), [("patient", "event_time"), ("reference_time", "patient_id")]
    )
    def test_a_role_names_a_column_of_the_right_type(self, role, column):
        mask = DatasetMask(schema=packaged_dataset("patient_update").reader, **{role: column})
        with pytest.raises(ConfigurationError, match=f"{role} is {column}, which is"):
            MaskConfig(policy="ops", datasets={"patient_update": mask})


class TestMaskConfig:
    @pytest.mark.parametrize("policy", ["limited", "pseudonymised"])
    @pytest.mark.parametrize(
        ("missing", "told"),
        [
            ({"key": None}, "needs a key"),
            ({"key_version": None}, "needs key_version"),
            ({"key_version": 0}, "needs key_version"),
            ({"key_version": "latest"}, "needs key_version"),
            ({"domain": ""}, "needs a domain"),
        ],
    )
    def test_pseudonyms_need_a_pinned_key_and_a_domain(self, policy, missing, told):
        with pytest.raises(ConfigurationError, match=rf"pseudonym of visits\.patient {told}"):
            mask_config(policy, **missing)

    def test_ops_needs_none_of_them(self):
        assert mask_config("ops", key=None, key_version=None, domain="").policy == "ops"

    def test_a_domain_cannot_pass_for_two_parts_of_a_key(self):
        with pytest.raises(ConfigurationError, match="domain must not hold"):
            mask_config(domain="shop|limited")

    def test_safe_harbor_is_no_policy(self):
        with pytest.raises(ConfigurationError, match="safe_harbor is no masking policy"):
            mask_config("safe_harbor")

    def test_it_pickles_as_it_travels_in_the_graph(self):
        assert pickle.loads(pickle.dumps(mask_config())) == mask_config()

    def test_packaged_events_need_a_decision_on_their_free_text_only(self):
        dataset = packaged_dataset("dispense_event")
        masks = {"dispense_event": DatasetMask(schema=dataset.reader)}
        with pytest.raises(ConfigurationError, match=r"dispense_event\.sig_text is free text"):
            MaskConfig(policy="ops", datasets=masks)
        overrides = {"dispense_event.sig_text": "drop"}
        assert MaskConfig(policy="ops", datasets=masks, overrides=overrides)

    def test_an_unclassified_field_is_named_with_the_remedy(self):
        schema = AvroSchema.parse(
            {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
        )
        with pytest.raises(ConfigurationError, match=r"events\.a has no class.*Classify it"):
            MaskConfig(policy="ops", datasets={"events": DatasetMask(schema=schema)})

    def test_an_unknown_class_is_named_with_those_there_are(self):
        classes = {**CLASSES, "shoe": Classification("D:shoe_size")}
        with pytest.raises(ConfigurationError, match=r"visits\.shoe has the class.*D:name"):
            mask_config(datasets={DATASET: dataset_mask(classes=classes)})

    def test_an_override_of_no_column_names_the_likeliest(self):
        with pytest.raises(ConfigurationError, match=r"Did you mean visits\.name\?"):
            mask_config(overrides={"visits.nme": "drop"})
