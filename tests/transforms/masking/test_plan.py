from datetime import date, timedelta

import pyarrow as pa
import pytest

from schemas.classification import Classification
from tests.transforms.masking.masks import (
    CLASSES,
    DATASET,
    ROOT,
    SCHEMA,
    dataset_mask,
    mask_config,
    person,
    table,
)
from transforms.masking import MaskPlan


def masked(rows, config=None, root=ROOT):
    return MaskPlan(config or mask_config(), root).mask(DATASET, table(rows)).to_pylist()


def version(config=None, root=ROOT):
    return MaskPlan(config or mask_config(), root).versions(DATASET)["masking.visits"]


class TestColumns:
    def test_each_column_is_masked_by_its_class(self):
        (row,) = masked([person(0, born=date(1930, 1, 1), died=date(2026, 3, 1))])
        assert "name" not in row
        assert row["patient"].startswith("v3:")
        assert (row["born"], row["died"], row["zip"]) == ("90+", 2026, "100")
        assert (row["badge"], row["country"]) == ("[redacted]", "US")

    def test_dates_of_a_patient_move_together_within_and_across_rows(self):
        first, other, again = masked([person(0), person(1), person(5)])
        assert again["served"] - first["served"] == timedelta(days=5)
        assert first["served"] == first["promised"].date()
        moved = date(2026, 3, 14) - first["served"]
        assert timedelta(days=1) <= moved <= timedelta(days=365)
        assert date(2026, 3, 15) - other["served"] != moved

    def test_a_patient_without_an_id_has_no_dates(self):
        (row,) = masked([person(0, patient=" ")])
        assert (row["patient"], row["served"], row["promised"]) == (None, None, None)

    def test_a_foreign_zip_code_is_none_of_ours(self):
        assert masked([person(0, country="DE")])[0]["zip"] is None

    def test_lists_are_masked_item_by_item(self):
        rows = [person(0, codes=c) for c in (["a", None, "A"], [], None, ["a"])]
        first, empty, missing, last = (row["codes"] for row in masked(rows))
        assert first == [last[0], None, last[0]]
        assert (empty, missing) == ([], None)

    def test_lists_of_dates_move_with_the_row_that_holds_them(self):
        classes = {**CLASSES, "codes": Classification("Q:date", "shift")}
        config = mask_config(datasets={DATASET: dataset_mask(classes=classes)})
        days = pa.array([[date(2026, 3, 14)], [], [date(2026, 3, 14), None]], pa.list_(pa.date32()))
        given = table([person(0), person(1), person(5)])
        given = given.set_column(SCHEMA.get_field_index("codes"), "codes", days)
        lists = MaskPlan(config, ROOT).mask(DATASET, given.slice(1)).column("codes").to_pylist()
        assert lists == [[], [masked([person(0)])[0]["served"], None]]

    def test_derived_columns_are_masked_like_others(self):
        config = mask_config(datasets={DATASET: dataset_mask(derived={"age": "Q:age"})})
        given = table([person(0)]).append_column("age", pa.array([93], pa.int32()))
        assert MaskPlan(config, ROOT).mask(DATASET, given)["age"].to_pylist() == ["90+"]

    def test_chunks_of_a_column_become_one(self):
        given = pa.concat_tables([table([person(0)]), table([person(1)])])
        assert MaskPlan(mask_config(), ROOT).mask(DATASET, given).to_pylist() == masked(
            [person(0), person(1)]
        )

    def test_columns_of_one_class_join_and_those_of_two_do_not(self):
        same = {**CLASSES, "badge": Classification("D:mrn")}
        other = {**CLASSES, "badge": Classification("WORKFORCE")}
        for classes, joins in ((same, True), (other, False)):
            config = mask_config(datasets={DATASET: dataset_mask(classes=classes)})
            (row,) = masked([person(0, badge="P0")], config)
            assert (row["badge"] == row["patient"]) == joins


class TestKeys:
    def test_a_rotated_key_shows_in_the_pseudonym_and_breaks_the_join(self):
        (old,) = masked([person(0)])
        (new,) = masked([person(0)], mask_config(key_version=4), "77" * 32)
        assert (old["patient"][:3], new["patient"][:3]) == ("v3:", "v4:")
        assert old["patient"][3:] != new["patient"][3:]

    @pytest.mark.parametrize("changes", [{"domain": "other"}, {"policy": "limited"}])
    def test_pseudonyms_join_within_one_domain_and_policy_only(self, changes):
        here, there = (masked([person(0)], mask_config(**c))[0] for c in ({}, changes))
        assert here["patient"] != there["patient"]


class TestVersion:
    def test_it_names_policy_plan_and_key(self):
        assert version().startswith("pseudonymised plan=")
        assert " key=v3:" in version()
        assert "key" not in version(mask_config("ops"))

    def test_it_is_the_same_for_the_same_masks(self):
        assert version() == version()

    @pytest.mark.parametrize(
        "changes",
        [
            {"policy": "limited"},
            {"domain": "other"},
            {"key_version": 4},
            {"overrides": {"visits.zip": "drop"}},
            {"datasets": {DATASET: dataset_mask(country=None)}},
        ],
    )
    def test_it_changes_with_whatever_a_masked_value_depends_on(self, changes):
        assert version(mask_config(**changes)) != version()

    def test_another_key_under_the_same_version_is_noticed(self):
        assert version(root="77" * 32) != version()
