import pyarrow as pa
import pytest

from schemas.classification import Classification
from tests.transforms.masking.masks import DATASET
from transforms.errors import ConfigurationError
from transforms.masking.actions import Action
from transforms.masking.decisions import Columns, Overrides, decide


def decided(cls="NONE", kind=None, override=None, policy="pseudonymised", mask=None, **roles):
    """The decision on one column ``a`` beside a few others."""
    columns = Columns(
        classes={
            "a": Classification(cls, mask),
            "who": Classification("D:mrn"),
            "at": Classification("NONE"),
        },
        types={} if kind is None else {"a": kind},
        **roles,
    )
    overrides = {} if override is None else {f"{DATASET}.a": override}
    return decide(policy, DATASET, columns, Overrides(overrides))[0]


def nested(*classes, override=None):
    columns = Columns(
        classes={f"a.x{n}": Classification(cls) for n, cls in enumerate(classes)}, types={}
    )
    overrides = {} if override is None else {f"{DATASET}.a": override}
    (one,) = decide("limited", DATASET, columns, Overrides(overrides))
    return one


class TestOverrides:
    def test_a_stricter_action_is_taken(self):
        one = decided("D:mrn", override="drop")
        assert (one.action, one.origin, one.problem) == (Action.DROP, "override", "")

    @pytest.mark.parametrize(
        ("cls", "override"),
        [("D:name", "keep"), ("D:mrn", "keep"), ("CREDENTIAL", "pseudonym"), ("Q:geo", "keep")],
    )
    def test_a_looser_action_is_refused_with_both_named(self, cls, override):
        one = decided(cls, override=override)
        given = decided(cls).action
        assert f"is {override}, and the policy's {given} tells less" in one.problem
        assert "tighten" in one.remedy

    def test_what_is_no_action_is_refused_with_those_there_are(self):
        with pytest.raises(ConfigurationError, match=r"visits\.a is 'hide'.*date_shift"):
            decided(override="hide")


class TestFreeText:
    @pytest.mark.parametrize("policy", ["ops", "limited", "pseudonymised"])
    def test_it_needs_a_decision(self, policy):
        one = decided("D:free_text", policy=policy)
        assert "free text" in one.problem
        assert f"{DATASET}.a: drop" in one.remedy

    @pytest.mark.parametrize(
        ("policy", "override", "allowed"),
        [
            ("ops", "keep", True),
            ("limited", "keep", False),
            ("limited", "pseudonym", False),
            ("pseudonymised", "redact", True),
            ("pseudonymised", "drop", True),
        ],
    )
    def test_a_decision_tells_no_more_than_the_policy_bears(self, policy, override, allowed):
        one = decided("D:free_text", policy=policy, override=override)
        assert (one.problem == "") == allowed


class TestFit:
    @pytest.mark.parametrize(
        ("cls", "kind", "action"),
        [
            ("Q:geo", pa.int32(), "zip3"),
            ("Q:date", pa.string(), "date_shift"),
            ("Q:age", pa.string(), "age_band"),
            ("D:mrn", pa.float64(), "pseudonym"),
            ("D:mrn", pa.struct([pa.field("x", pa.string())]), "pseudonym"),
        ],
    )
    def test_an_action_that_does_not_fit_the_type_is_refused(self, cls, kind, action):
        one = decided(cls, kind, patient="who", reference_time="at")
        assert one.problem == f"{action} doesn't fit visits.a, which is {kind}"

    def test_a_shift_needs_the_patient(self):
        assert "needs the patient" in decided("Q:date", pa.date32()).problem
        assert decided("Q:date", pa.date32(), patient="who").problem == ""

    def test_a_birthday_needs_the_day_and_an_age_in_years_does_not(self):
        birth = {"cls": "Q:date", "mask": "year|age90", "kind": pa.date32()}
        assert "needs the day" in decided(**birth).problem
        assert decided(**birth, reference_time="at").action is Action.AGE_BAND
        assert decided("Q:age", pa.int32()).problem == ""

    @pytest.mark.parametrize("override", ["drop", "year", "redact"])
    def test_the_event_time_must_go_on_placing_the_rows(self, override):
        one = decided("NONE", pa.timestamp("us"), override, reference_time="a")
        assert "places the rows in the lake" in one.problem
        shifted = {"kind": pa.timestamp("us"), "override": "date_shift", "patient": "who"}
        assert decided(**shifted, reference_time="a").problem == ""


class TestNested:
    def test_what_is_kept_or_dropped_in_every_part_is_so_as_a_whole(self):
        assert nested("NONE", "Q:date").action is Action.KEEP
        assert nested("D:name", "D:geo").action is Action.DROP

    @pytest.mark.parametrize("classes", [("NONE", "D:name"), ("D:mrn", "D:mrn")])
    def test_what_would_be_masked_inside_is_refused_with_the_remedy(self, classes):
        one = nested(*classes)
        assert "is nested" in one.problem
        assert f"{DATASET}.a: drop" in one.remedy

    def test_the_configuration_can_drop_the_whole(self):
        assert nested("NONE", "D:name", override="drop").action is Action.DROP

    def test_but_not_keep_more_of_it_than_its_strictest_part(self):
        assert "tells less" in nested("NONE", "D:name", override="keep").problem
