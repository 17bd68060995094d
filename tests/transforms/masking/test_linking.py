"""Link columns: in every dataset the same number for the same thing, under every key's version."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.masking.masks import (
    CLASSES,
    DATASET,
    NOON,
    ROOT,
    SCHEMA,
    dataset_mask,
    mask_config,
    person,
    table,
)
from transforms.errors import ConfigurationError
from transforms.identifiers import Link
from transforms.masking import POLICIES, DatasetMask, MaskConfig, MaskPlan, masked_schema

PATIENT = Link(entity="patient", of=("patient",))
VISIT = Link(entity="visit", of=("patient", "at", "served", "country"))
LINKS = {"patient_link": PATIENT, "visit_link": VISIT}
LINK_ROOT = "3c" * 32
CHARTS = DatasetMask(
    classes={"chart": CLASSES["patient"], "seen": CLASSES["at"]},
    links={"whose": Link(entity="patient", of=("chart",))},
)


def linked(policy="pseudonymised", links=LINKS, **changes):
    masks = {DATASET: dataset_mask(links=links), "charts": CHARTS}
    return mask_config(policy, **{"link_key": "env:LINK_KEY", "datasets": masks, **changes})


def plan(config=None, root=ROOT, link_root=LINK_ROOT):
    return MaskPlan(config or linked(), root, link_root)


def links_of(rows, made=None):
    masked = (made or plan()).mask(DATASET, table(rows))
    return masked["patient_link"].to_pylist()


class TestValues:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.text(max_size=4) | st.sampled_from(["p1", " P1", "\uff301"]), min_size=1))
    def test_the_same_entity_has_the_same_link_in_two_datasets(self, ids):
        made = plan()
        charts = pa.table({"chart": ids, "seen": pa.array([NOON] * len(ids))})
        there = made.mask("charts", charts)["whose"].to_pylist()
        assert links_of([person(n, patient=each) for n, each in enumerate(ids)], made) == there

    @settings(max_examples=30, deadline=None)
    @given(st.sampled_from(["P1", "P2", " p3 "]), st.integers(4, 99))
    def test_a_rotated_key_changes_pseudonyms_and_leaves_links(self, patient, version):
        rows = [person(0, patient=patient)]
        rotated = plan(linked(key_version=version), root="77" * 32)
        old, new = (each.mask(DATASET, table(rows)).to_pylist()[0] for each in (plan(), rotated))
        assert old["patient"] != new["patient"]
        assert (old["patient_link"], old["visit_link"]) == (new["patient_link"], new["visit_link"])

    def test_every_policy_gives_the_same_links_by_the_same_key(self):
        rows = [person(n) for n in range(7)]
        made = {policy: links_of(rows, plan(linked(policy))) for policy in POLICIES}
        assert made["ops"] == made["limited"] == made["pseudonymised"]

    @pytest.mark.parametrize("changes", [{"patient": " "}, {"served": None}, {"country": None}])
    def test_a_null_or_blank_part_makes_no_link(self, changes):
        (row,) = plan().mask(DATASET, table([person(0, **changes)])).to_pylist()
        assert row["visit_link"] is None
        assert (row["patient_link"] is None) == ("patient" in changes)

    def test_each_part_counts(self):
        changes = [
            {}, {"patient": "P9"}, {"at": NOON + timedelta(microseconds=1)}, {"country": "DE"},
            {"served": datetime(2026, 3, 13).date()},
        ]  # fmt: skip
        rows = [person(0, **each) for each in changes]
        made = plan().mask(DATASET, table(rows))["visit_link"].to_pylist()
        assert len(set(made)) == len(changes)

    def test_another_root_or_domain_gives_other_links(self):
        made = [plan(), plan(link_root="77" * 32), plan(linked(domain="other"))]
        assert len({links_of([person(0)], each)[0] for each in made}) == 3

    def test_without_a_key_they_are_made_all_the_same(self):
        bare = linked("ops", key=None, key_version=None, link_key=None)
        made = MaskPlan(bare, None)
        first, other, again = links_of([person(0), person(1), person(5)], made)
        assert first == again != other
        assert first != links_of([person(0)])[0]

    def test_a_missing_root_is_no_other_root(self):
        with pytest.raises(AssertionError):
            MaskPlan(linked(), ROOT)


class TestColumns:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_they_come_last_and_the_schema_tells_them(self, policy):
        config = linked(policy)
        wanted = masked_schema(SCHEMA, config, DATASET)
        for rows in ([person(0)], []):
            masked = plan(config).mask(DATASET, table(rows))
            assert masked.schema.equals(wanted, check_metadata=True)
        assert wanted.names[-2:] == ["patient_link", "visit_link"]
        assert wanted.field("visit_link").type == pa.int64()

    def test_a_column_that_the_masks_drop_can_be_linked(self):
        config = linked(links={"name_link": Link(entity="name", of=("name",))})
        masked = plan(config).mask(DATASET, table([person(0)]))
        assert "name" not in masked.column_names
        assert masked["name_link"].null_count == 0

    def test_a_derived_column_can_be_linked_and_its_type_counts(self):
        mask = dataset_mask(derived={"age": "NONE"}, links={"x": Link(entity="x", of=("age",))})
        config = mask_config(link_key="env:LINK_KEY", datasets={DATASET: mask})
        assert (
            "x" in masked_schema(SCHEMA.append(pa.field("age", pa.int32())), config, DATASET).names
        )
        with pytest.raises(ConfigurationError, match="of age, which is double"):
            masked_schema(SCHEMA.append(pa.field("age", pa.float64())), config, DATASET)

    def test_chunks_of_a_column_become_one(self):
        given = pa.concat_tables([table([person(0)]), table([person(1)])])
        made = plan().mask(DATASET, given)["patient_link"].to_pylist()
        assert made == links_of([person(0), person(1)])


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "of", "told"),
        [
            ("zip", ["patient"], "the link zip has the name of a column"),
            ("_offset", ["patient"], "the link _offset has the name of a column"),
            ("x", ["patient", "nobody"], "the link x is of nobody, which is no column"),
        ],
    )
    def test_a_link_that_does_not_fit_is_named(self, name, of, told):
        with pytest.raises(ConfigurationError, match=told):
            linked(links={name: Link(entity="e", of=of)})

    @pytest.mark.parametrize("field", ["reject_codes", "quantity_dispensed"])
    def test_a_type_without_a_canonical_text_is_refused_at_build(self, field):
        from schemas.catalog import packaged_dataset

        mask = DatasetMask(
            schema=packaged_dataset("dispense_event").reader,
            links={"x": Link(entity="e", of=(field,))},
        )
        with pytest.raises(ConfigurationError, match=f"the link x is of {field}, which is"):
            MaskConfig(policy="ops", datasets={"dispense_event": mask})

    def test_a_link_without_a_key_may_not_tell_what_a_mask_hides(self):
        told = r"the link visits\.patient_link needs a key"
        with pytest.raises(ConfigurationError, match=told):
            linked("limited", link_key=None)
        name = {"name_link": Link(entity="name", of=("name",))}
        with pytest.raises(ConfigurationError, match=r"visits\.name_link needs a key"):
            linked("ops", links=name, overrides={"visits.name": "drop"}, link_key=None)

    def test_links_with_a_key_need_a_domain(self):
        with pytest.raises(ConfigurationError, match="links of visits need a domain"):
            linked("ops", domain="")


class TestVersions:
    def test_they_tell_the_checks_of_both_keys(self):
        versions = plan().versions(DATASET)
        assert set(versions) == {"masking.visits", "key.v3", "key.link"}
        assert f" key=v3:{versions['key.v3']} key=link:" in versions["masking.visits"]

    def test_another_link_root_is_noticed(self):
        assert plan().versions(DATASET) != plan(link_root="77" * 32).versions(DATASET)

    def test_a_dataset_without_links_tells_no_link_key(self):
        config = linked(links={})
        assert "key.link" not in plan(config).versions(DATASET)

    def test_another_definition_of_a_link_is_noticed(self):
        other = linked(links={**LINKS, "patient_link": VISIT})
        assert plan(other).versions(DATASET) != plan().versions(DATASET)
