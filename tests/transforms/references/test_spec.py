"""What a declared reference must be."""

import pickle

import pytest
from pydantic import TypeAdapter, ValidationError

from transforms.references import ReferenceSpec, ReferenceSpecs

SPEC = {"dataset": "drug_ref", "key": "ndc11", "lookup": {"dispense_event": "ndc11(ndc)"}}


def specs(value):
    return TypeAdapter(ReferenceSpecs).validate_python(value)


def test_the_time_is_the_events_unless_said_otherwise():
    spec = ReferenceSpec.model_validate({**SPEC, "at": {}})
    assert spec.match("drug", "dispense_event") == ("ndc11(ndc)", "event_time")
    spec = ReferenceSpec.model_validate({**SPEC, "at": {"dispense_event": "produced_at"}})
    assert spec.match("drug", "dispense_event") == ("ndc11(ndc)", "produced_at")


def test_it_pickles():
    spec = ReferenceSpec.model_validate(SPEC)
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("name", ["Drug", "_drug", "drug ref", "1drug", ""])
def test_a_name_that_sql_would_not_take_is_refused(name):
    with pytest.raises(ValidationError, match="lower case"):
        specs({name: SPEC})


def test_a_time_for_a_dataset_that_does_not_look_it_up_is_refused():
    with pytest.raises(ValidationError, match=r"drug\.at names other"):
        specs({"drug": {**SPEC, "at": {"other": "event_time"}}})


@pytest.mark.parametrize("change", [{"lookup": {}}, {"surprise": 1}, {"key": None}])
def test_what_is_missing_or_unknown_is_refused(change):
    with pytest.raises(ValidationError):
        specs({"drug": {**SPEC, **change}})


LINK = {"entity": "patient", "of": ["patient_id"]}


class TestLinks:
    def test_a_key_can_be_a_link_that_a_function_gives(self):
        spec = ReferenceSpec.model_validate({**SPEC, "lookup": {"e": LINK}})
        assert spec.link is not None
        assert spec.match("death", "e") == ('_link_death("patient_id")', "event_time")
        assert ReferenceSpec.model_validate(SPEC).link is None

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ("patient_id", "by links in all datasets, or in none"),
            ({"entity": "member", "of": ["member_id"]}, "one entity"),
            ({"entity": "patient", "of": ["tenant_id", "patient_id"]}, "as many columns"),
            ({"entity": "patient", "of": []}, "of"),
        ],
    )
    def test_lookups_that_give_different_keys_are_refused(self, other, reason):
        with pytest.raises(ValidationError, match=reason):
            specs({"death": {**SPEC, "lookup": {"e": LINK, "f": other}}})

    def test_whatever_decides_on_what_rows_see_is_told(self):
        given = {**SPEC, "lookup": {"e": LINK}}
        changed = [
            {},
            {"where": "op = 'DECEASED'"},
            {"lookup": {"e": {**LINK, "entity": "member"}}},
            {"lookup": {"e": {**LINK, "of": ["member_id"]}}},
            {"at": {"e": "produced_at"}},
            {"key": "other"},
        ]
        made = [ReferenceSpec.model_validate({**given, **c}).canonical("r", "e") for c in changed]
        assert len({str(each) for each in made}) == len(changed)
