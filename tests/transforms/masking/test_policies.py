import itertools

import pytest

from schemas.classification import CLASSES, Classification
from transforms.errors import ConfigurationError
from transforms.masking.actions import Action, tightens
from transforms.masking.policies import (
    POLICIES,
    MustDecide,
    check_policy,
    known_classes,
    ruling,
)

#: 45 CFR 164.514(e)(2): what a limited data set must not hold in the clear.
LIMITED_IDENTIFIERS = [
    cls for cls in CLASSES if cls.startswith("D:") and cls not in ("D:free_text",)
]


def least(policy, cls, mask=None):
    found = ruling(policy, Classification(cls, mask))
    return found.least if isinstance(found, MustDecide) else found


class TestRulings:
    def test_every_listed_class_has_one(self):
        assert known_classes() == tuple(CLASSES)

    def test_an_unknown_class_has_none(self):
        assert ruling("ops", Classification("D:shoe_size")) is None

    @pytest.mark.parametrize("cls", LIMITED_IDENTIFIERS)
    def test_no_direct_identifier_is_kept_outside_of_ops(self, cls):
        for policy in ("limited", "pseudonymised"):
            for mask in (None, "hmac", "shift"):
                assert least(policy, cls, mask) in (Action.DROP, Action.PSEUDONYM)

    @pytest.mark.parametrize("cls", ["Q:date", "Q:age", "Q:geo"])
    def test_a_limited_data_set_keeps_dates_ages_and_zip_codes(self, cls):
        assert least("limited", cls) is Action.KEEP
        assert least("pseudonymised", cls) is not Action.KEEP

    def test_each_policy_tells_no_more_than_the_one_before(self):
        for cls in CLASSES:
            for mask in (None, "hmac", "year", "year|age90", "shift", "zip3"):
                told = [least(policy, cls, mask) for policy in POLICIES]
                assert all(tightens(b, a) for a, b in itertools.pairwise(told))

    def test_minimum_necessary_needs_no_ssn_license_or_credential(self):
        assert least("ops", "D:ssn") is least("ops", "D:license") is Action.DROP
        assert least("ops", "CREDENTIAL") is Action.REDACT

    def test_the_hint_chooses_how_a_date_is_cut(self):
        cut = {mask: least("pseudonymised", "Q:date", mask) for mask in ("year|age90", "year")}
        assert cut == {"year|age90": Action.AGE_BAND, "year": Action.YEAR}
        assert least("pseudonymised", "Q:date", "a hint of somebody's") is Action.DATE_SHIFT

    @pytest.mark.parametrize("policy", POLICIES)
    def test_free_text_has_no_default(self, policy):
        assert isinstance(ruling(policy, Classification("D:free_text", "drop")), MustDecide)


class TestNames:
    def test_safe_harbor_is_refused_with_the_reason(self):
        with pytest.raises(ConfigurationError, match=r"164\.514\(b\)\(2\) forbids dates"):
            check_policy("safe_harbor")

    def test_an_unknown_policy_is_refused_with_those_there_are(self):
        with pytest.raises(ConfigurationError, match="ops, limited, pseudonymised"):
            check_policy("none")
