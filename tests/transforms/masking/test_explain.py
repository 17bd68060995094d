import pytest

from tests.transforms.masking.masks import DATASET, dataset_mask
from transforms.errors import ConfigurationError
from transforms.identifiers import Link
from transforms.masking import diff, explain, kept_times

MASKS = {DATASET: dataset_mask(derived={"note": "D:free_text", "age": "Q:age"})}


def rows(policy="pseudonymised", **overrides):
    named = {f"{DATASET}.{column}": action for column, action in overrides.items()}
    return {row.field: row for row in explain(policy, MASKS, named)}


class TestExplain:
    def test_each_field_has_its_action_and_a_synthetic_example(self):
        found = rows()
        assert (found["patient"].action, found["patient"].cls) == ("pseudonym", "D:mrn")
        assert found["patient"].after.startswith("v1:")
        assert (found["zip"].before, found["zip"].after) == ("94110-0017", "941")
        assert found["age"].after == "70-74"

    def test_a_dropped_field_becomes_nothing(self):
        assert (rows()["name"].after, rows()["name"].type_after) == (None, "")

    def test_what_is_not_decided_is_told_and_not_raised(self):
        note = rows()["note"]
        assert note.action is None
        assert "visits.note is free text" in note.problem
        assert "Decide it" in note.problem

    def test_a_decision_of_the_configuration_is_marked(self):
        note = rows(note="redact")["note"]
        assert (note.action, note.origin, note.after) == ("redact", "override", "[redacted]")

    def test_an_override_that_loosens_is_told(self):
        assert "tells less" in rows(name="keep")["name"].problem

    @pytest.mark.parametrize(
        ("policy", "override"), [("none", "drop"), ("ops", "hide"), ("safe_harbor", "drop")]
    )
    def test_what_there_is_not_is_refused(self, policy, override):
        with pytest.raises(ConfigurationError):
            rows(policy, name=override)

    def test_event_times_that_undo_a_shift_are_named(self):
        assert kept_times(list(rows().values()), MASKS) == [f"{DATASET}.at"]
        assert kept_times(list(rows("limited").values()), MASKS) == []

    def test_a_link_is_shown_with_the_values_that_it_is_of(self):
        links = {"visit": Link(entity="visit", of=("patient", "at"))}
        (found,) = (
            row
            for row in explain("limited", {DATASET: dataset_mask(links=links)})
            if row.field == "visit"
        )
        assert (found.action, found.origin, found.hint) == ("link", "configuration", "visit")
        assert (found.before[0], found.type_after, found.problem) == ("P010000017", "int64", "")
        assert found.after >= 0


class TestDiff:
    def test_it_names_the_fields_that_differ_and_how(self):
        found = {one.field: one for one in diff("limited", "pseudonymised", MASKS)}
        assert set(found) == {"born", "died", "served", "promised", "zip", "age"}
        assert (found["zip"].left, found["zip"].right) == ("keep", "zip3")
        assert {one.change for one in found.values()} == {"tighter"}

    def test_the_other_way_round_it_is_looser(self):
        assert {one.change for one in diff("pseudonymised", "limited", MASKS)} == {"looser"}

    def test_a_policy_does_not_differ_from_itself(self):
        assert diff("ops", "ops", MASKS) == []
