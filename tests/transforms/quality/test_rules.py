"""What a rule must be."""

import pickle
from datetime import date

import pytest
from pydantic import ValidationError

from transforms.quality import Rule, RuleSet, Severity
from transforms.quality.rules import overlapping

RULE = {
    "id": "R02",
    "version": 1,
    "dataset": "orders",
    "severity": "error",
    "field": "text",
    "expect": "text IS NOT NULL",
    "message": "There is no text",
    "owner": "sales",
}
REFERENCE = {"dataset": "thing_ref", "key": "code", "lookup": {"orders": "text"}}


def rule(**changed):
    values = {**RULE, **changed}
    return Rule.model_validate({name: v for name, v in values.items() if v is not ...})


class TestRule:
    def test_it_is_what_it_says(self):
        made = rule(**{"from": date(2026, 1, 1), "until": "2026-02-01"})
        assert made.severity is Severity.ERROR
        assert (made.since, made.until) == (date(2026, 1, 1), date(2026, 2, 1))
        assert made.expression == "text IS NOT NULL"

    @pytest.mark.parametrize(
        ("check", "expression"),
        [({"is_npi": "text"}, "is_npi(text)"), ({"fits": ["a", "b"]}, "fits(a, b)")],
    )
    def test_a_named_check_is_a_call(self, check, expression):
        assert rule(expect=..., check=check).expression == expression

    @pytest.mark.parametrize("name", ["R02", "R04.deactivated", "L01", "R2-b", "R2_b"])
    def test_ids_begin_with_a_capital(self, name):
        assert rule(id=name).id == name

    @pytest.mark.parametrize("name", ["r02", "", "R02,R03", "R 2", "R02.", "tombstone", "2", "R\n"])
    def test_ids_that_could_be_taken_for_something_else_are_refused(self, name):
        with pytest.raises(ValidationError, match="id must be like"):
            rule(id=name)

    @pytest.mark.parametrize(
        "change",
        [
            {"severity": "fatal"},
            {"version": 0},
            {"version": "1"},
            {"message": ""},
            {"owner": ...},
            {"expect": ...},
            {"check": {"is_npi": "text"}},
            {"expect": ..., "check": {}},
            {"expect": ..., "check": {"a": "b", "c": "d"}},
            {"from": "2026-02-01", "until": "2026-02-01"},
            {"from": "soon"},
            {"surprise": 1},
        ],
    )
    def test_what_is_missing_wrong_or_unknown_is_refused(self, change):
        with pytest.raises(ValidationError):
            rule(**change)

    def test_it_pickles(self):
        assert pickle.loads(pickle.dumps(rule())) == rule()


class TestPeriods:
    @pytest.mark.parametrize(
        ("one", "two", "overlap"),
        [
            ({}, {}, True),
            ({"until": "2026-02-01"}, {"from": "2026-02-01"}, False),
            ({"until": "2026-02-02"}, {"from": "2026-02-01"}, True),
            ({"from": "2026-03-01"}, {"from": "2026-01-01", "until": "2026-02-01"}, False),
        ],
    )
    def test_half_open_periods_that_meet_do_not_overlap(self, one, two, overlap):
        assert rule(**one).overlaps(rule(**two)) is overlap
        assert rule(**two).overlaps(rule(**one)) is overlap

    def test_overlapping_rules_of_one_id_and_dataset_are_paired(self):
        rules = [rule(), rule(id="R03"), rule(dataset="others"), rule(version=2)]
        assert list(overlapping(rules)) == [(0, 3)]


class TestRuleSet:
    def rules(self, *rules, **references):
        return RuleSet.model_validate({"rules": list(rules), "references": references})

    def test_rules_of_a_dataset_come_by_id(self):
        made = self.rules(rule(id="R10"), rule(id="R02"), rule(id="R01", dataset="others"))
        assert [each.id for each in made.of("orders")] == ["R02", "R10"]
        assert made.datasets == ("orders", "others")

    def test_the_version_follows_from_what_is_said_and_not_from_its_order(self):
        one = self.rules(rule(), rule(id="R03"))
        two = self.rules(rule(id="R03"), rule())
        assert one.version("orders") == two.version("orders")

    @pytest.mark.parametrize(
        "change",
        [{"expect": "text <> ''"}, {"severity": "warn"}, {"version": 2}, {"from": "2026-01-01"}],
    )
    def test_the_version_changes_with_any_rule_of_the_dataset(self, change):
        assert self.rules(rule()).version("orders") != self.rules(rule(**change)).version("orders")

    def test_the_version_is_that_of_one_dataset(self):
        more = self.rules(rule(), rule(dataset="others"))
        assert more.version("orders") == self.rules(rule()).version("orders")

    def test_the_version_changes_with_the_references(self):
        without = self.rules(rule())
        one = self.rules(rule(), thing=REFERENCE)
        two = self.rules(rule(), thing={**REFERENCE, "lookup": {"orders": "upper(text)"}})
        assert len({each.version("orders") for each in (without, one, two)}) == 3

    def test_a_named_check_has_the_version_of_what_it_means(self):
        named = self.rules(rule(expect=..., check={"is_npi": "text"}))
        assert named.version("orders") == self.rules(rule(expect="is_npi(text)")).version("orders")

    def test_it_pickles(self):
        made = self.rules(rule(), thing=REFERENCE)
        assert pickle.loads(pickle.dumps(made)) == made
