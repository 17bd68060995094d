"""The packaged rules, each by a row that trips it and one that must not."""

import functools
from datetime import date

import pyarrow as pa
import pytest

from tests.beam_pipelines.pharmacy.rule_cases import CASES
from tests.beam_pipelines.pharmacy.rule_rows import (
    DEAD,
    DYING,
    MINUTE,
    NOW,
    REINSTATED,
    ROWS,
    changed,
    columns,
    packaged_rules,
    plan,
    reference_tables,
    tripped,
)

RULES = [
    pytest.param(dataset, rule, id=f"{dataset}-{rule}")
    for dataset in CASES
    for rule in CASES[dataset]
]
TABLE = {
    *("R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10", "R11"),
    *("R13", "R14", "R15", "R16", "R17", "R19", "R27"),
}


@functools.cache
def judging(dataset):
    return plan(dataset, reference_tables())


@functools.cache
def verdicts(dataset, which):
    """All cases of a dataset, judged at once: rule -> the ids that its row trips."""
    changes = [getattr(case, which) for case in CASES[dataset].values()]
    found = tripped(judging(dataset), changed(dataset, changes))
    return dict(zip(CASES[dataset], found, strict=True))


class TestFile:
    def test_it_holds_the_rules_that_look_at_one_row(self):
        plain = {rule.id.partition(".")[0] for rule in packaged_rules().rules}
        assert {rule for rule in plain if rule[0] == "R"} == TABLE

    @pytest.mark.parametrize("dataset", CASES)
    def test_every_rule_has_a_case(self, dataset):
        assert sorted(CASES[dataset]) == [rule.id for rule in packaged_rules().of(dataset)]

    def test_datasets_have_cases(self):
        assert packaged_rules().datasets == tuple(sorted(CASES))

    def test_of_the_rules_over_references_only_the_dea_registration_rejects(self):
        names = ("drug.", "prescriber.", "pharmacy.", "patient.")
        looking_up = [r for r in packaged_rules().rules if any(n in r.expression for n in names)]
        rejecting = {rule.id for rule in looking_up if rule.severity == "error"}
        assert rejecting == {"R06", "R06.expired"}

    @pytest.mark.parametrize("dataset", CASES)
    def test_the_passing_row_has_every_field(self, dataset):
        assert sorted(ROWS[dataset]) == sorted(set(columns(dataset).names) - {"_offset"})
        assert None not in ROWS[dataset].values()


@pytest.mark.parametrize(("dataset", "rule"), RULES)
class TestRules:
    def test_its_row_trips_it(self, dataset, rule):
        also = CASES[dataset][rule].also
        assert verdicts(dataset, "trips")[rule] == {rule, *also}

    def test_the_row_next_to_it_trips_nothing(self, dataset, rule):
        assert verdicts(dataset, "holds")[rule] == set()


@pytest.mark.parametrize("dataset", CASES)
class TestAbsence:
    def test_the_passing_row_passes(self, dataset):
        assert tripped(judging(dataset), changed(dataset, [{}])) == [set()]

    def test_an_absent_value_trips_nothing(self, dataset):
        nullable = [field.name for field in columns(dataset) if field.nullable]
        found = tripped(judging(dataset), changed(dataset, [{name: None} for name in nullable]))
        assert dict(zip(nullable, found, strict=True)) == {name: set() for name in nullable}

    def test_nothing_but_what_must_be_there_passes(self, dataset):
        nothing = {field.name: None for field in columns(dataset) if field.nullable}
        assert tripped(judging(dataset), changed(dataset, [nothing])) == [set()]

    def test_without_references_every_row_passes_with_a_warning_at_most(self, dataset):
        empty = {name: table.slice(0, 0) for name, table in reference_tables().items()}
        looking_up = dataset != "patient_update"
        found = tripped(plan(dataset, empty), changed(dataset, [{}]))
        assert found == [{"R03"} if looking_up else set()]


class TestDeaths:
    """Only what is handed out after the last news of a death, by the patient's link."""

    def trips(self, **changes):
        (found,) = tripped(judging("dispense_event"), changed("dispense_event", [changes]))
        return found

    @pytest.mark.parametrize("spelling", [DEAD, f" {DEAD.lower()} "])
    def test_any_spelling_of_the_patient_is_found(self, spelling):
        assert self.trips(patient_id=spelling) == {"R15.deceased"}

    def test_the_death_counts_from_its_own_time_on(self):
        for minutes, found in ((61, set()), (60, {"R15.deceased"})):
            at = NOW - minutes * MINUTE
            changes = {"event_time": at, "picked_up_at": at, "received_at": None}
            assert self.trips(patient_id=DEAD, **changes) == found

    @pytest.mark.parametrize("kind", ["FILLED", "READY", "RETURN_TO_STOCK", "REVERSED"])
    def test_other_events_of_the_dead_are_no_offense(self, kind):
        assert self.trips(patient_id=DEAD, event_type=kind) == set()

    @pytest.mark.parametrize("patient", [REINSTATED, DYING, "P999999999"])
    def test_the_living_and_the_unknown_are_none(self, patient):
        assert self.trips(patient_id=patient) == set()


def test_a_controlled_drug_without_references_is_not_rejected():
    empty = {name: table.slice(0, 0) for name, table in reference_tables().items()}
    controlled = {"dea_schedule": "CII", "fill_number": 0}
    found = tripped(plan("dispense_event", empty), changed("dispense_event", [controlled]))
    assert found == [{"R03"}]


def test_a_date_beyond_all_calendars_is_rejected_and_its_neighbors_are_judged():
    rows = changed("dispense_event", [{}, {}, {"daw_code": 10}])
    at = rows.schema.get_field_index("date_written")
    days = pa.array([(NOW.date() - date(1970, 1, 1)).days, 2**31 - 2, None], pa.int32())
    rows = rows.set_column(at, rows.schema.field(at), days.cast(pa.date32()))
    sound, absurd, tripping = tripped(judging("dispense_event"), rows)
    assert (sound, tripping) == (set(), {"R13"})
    assert {"R14", "R14.age!"} <= absurd
