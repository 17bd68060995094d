"""Verdicts on rows by what the warehouse's columns take."""

import pickle
from dataclasses import replace
from datetime import timedelta

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.quality.rows import (
    DATASET,
    NOON,
    by_message,
    counted,
    cut,
    findings,
    letters,
    order,
    segment,
    some_orders,
    told,
)
from tests.transforms.quality.test_validate import plans
from transforms.limits import MostBytes, NoNul, TimeRange
from transforms.quality import EnforceLimits, EnforceLimitsConfig, LimitRule
from transforms.quality.limits import LimitPlan, enforce_limits
from transforms.quality.transform import _EnforceLimitsFn
from transforms.quality.validate import validate
from transforms.segment import DEAD_LETTER, Segment, join

SECRET = "Zweig-4711"
NOON_US = int(NOON.timestamp()) * 10**6


def rule(column, *limits, dataset=DATASET):
    return LimitRule(dataset=dataset, field=column, type="VARCHAR(3)", limits=limits)


RULES = (
    rule("text", MostBytes(3), NoNul()),
    rule("kind", MostBytes(3), NoNul()),
    rule("event_time", TimeRange(NOON_US, NOON_US + 10**6, "noon on")),
)
LATE = NOON + timedelta(hours=1)


def plan(*rules, systems=("web", "shop")):
    return LimitPlan(rules or RULES, {DATASET: systems})


def enforced(*orders, **changed):
    made = enforce_limits(segment(orders), plan(**changed))
    made.check()
    return made


class TestVerdicts:
    def test_rows_that_fit_pass_untouched(self):
        before = segment([order(0, text="abc"), order(1, text=None, kind=None)])
        after = enforce_limits(before, plan())
        assert after.rows == before.rows
        assert (letters(after), findings(after)) == ([], [])

    def test_a_value_that_does_not_fit_makes_a_dead_letter_with_rule_field_and_schema(self):
        made = enforced(order(0), order(1, text="éé"), order(2))
        assert letters(made) == [(1, "DDL.orders.text", "text")]
        assert made.disposed.column("disposition").to_pylist() == [DEAD_LETTER]
        assert made.disposed.column("schema_id").to_pylist() == ["7"]
        assert made.rows[DATASET].column("_offset").to_pylist() == [0, 2]

    def test_each_limit_of_a_column_counts(self):
        made = enforced(order(0, text="a\0"), order(1, text="\0abc"), order(2, text="abcd"))
        assert [offset for offset, *_ in letters(made)] == [0, 1, 2]
        assert made.findings.num_rows == 3

    def test_the_first_rule_by_id_is_the_reason_and_all_are_found(self):
        made = enforced(order(0, text="abcd", kind="ABCD", at=LATE))
        assert letters(made) == [(0, "DDL.orders.event_time", "event_time")]
        assert findings(made) == [
            (0, f"DDL.orders.{column}", "error") for column in ("event_time", "kind", "text")
        ]

    def test_one_bad_row_disposes_of_the_message_and_counts_once(self):
        made = enforced(order(0), order(1), order(1, 1, text="abcd"), order(1, 2, text="abcd"))
        assert letters(made) == [(1, "DDL.orders.text", "text")]
        assert findings(made) == [(1, "DDL.orders.text", "error")]
        assert made.rows[DATASET].column("_offset").to_pylist() == [0]

    def test_findings_of_rules_before_stay_in_the_order_of_offsets(self):
        orders = [order(0, amount=20), order(1, text="abcd"), order(2, amount=20)]
        made = enforce_limits(validate(segment(orders), plans()), plan())
        assert [f[:2] for f in findings(made)] == [(0, "W1"), (1, "DDL.orders.text"), (2, "W1")]
        assert letters(made) == [(1, "DDL.orders.text", "text")]
        made.check()

    def test_source_systems_that_are_not_allowed_are_others(self):
        made = enforced(
            *(order(n, text="abcd", system=s) for n, s in enumerate(["web", SECRET, "shop"]))
        )
        assert made.findings.column("source_system").to_pylist() == ["web", "other", "shop"]

    def test_no_value_is_told(self):
        made = enforced(order(0, text=SECRET, system=SECRET))
        told_of = str(made.disposed.to_pylist()) + str(made.findings.to_pylist())
        assert SECRET not in told_of + RULES[0].message


class TestPlan:
    def test_datasets_and_columns_without_limits_are_left_alone(self):
        others = [rule("nothere", MostBytes(0)), rule("text", MostBytes(0), dataset="others")]
        before = segment([order(0)])
        after = enforce_limits(before, plan(*others))
        assert after.rows == before.rows
        assert set(after.versions) == {f"limits.{DATASET}"}

    def test_the_version_changes_with_the_limits_only(self):
        def version(*rules):
            return plan(*rules).versions(DATASET)[f"limits.{DATASET}"]

        shorter = rule("text", MostBytes(2), NoNul())
        assert version(*RULES) == version(*reversed(RULES)) != version(shorter, *RULES[1:])

    def test_the_message_names_column_limit_and_remedy(self):
        assert RULES[0].message == (
            "text doesn't fit VARCHAR(3) of the warehouse: at most 3 bytes, without the character "
            "U+0000. Correct it at its source, or declare more in datasets.orders.lengths and "
            "migrate"
        )
        timed = replace(RULES[2], type="TIMESTAMP")
        assert timed.message.endswith("a time from noon on. Correct it at its source")


ORDERS = some_orders(
    text=st.sampled_from([None, "", "abc", "abcd", "\0", "éé"]),
    kind=st.sampled_from(["A", "ABCD", None]),
    at=st.sampled_from([NOON, LATE]),
    system=st.sampled_from(["web", "nobody"]),
)


def by_hand(row):
    """The columns of a row that don't fit, in plain Python."""
    misfits = {
        "event_time": row["event_time"] != NOON,
        "kind": len(row["kind"] or "") > 3,
        "text": len((row["text"] or "").encode()) > 3 or "\0" in (row["text"] or ""),
    }
    return {name for name, misfit in misfits.items() if misfit}


@settings(max_examples=40, deadline=None)
@given(ORDERS)
def test_verdicts_are_those_of_a_loop(orders):
    made = enforced(*orders)
    of_message = by_message(orders, by_hand)
    assert [f[:2] for f in findings(made)] == [
        (offset, f"DDL.orders.{name}")
        for offset, names in of_message.items()
        for name in sorted(names)
    ]
    assert letters(made) == [
        (offset, f"DDL.orders.{min(names)}", min(names))
        for offset, names in of_message.items()
        if names
    ]


@settings(max_examples=20, deadline=None)
@given(ORDERS, st.lists(st.integers(0, 40), max_size=2))
def test_the_verdicts_do_not_depend_on_the_cut(orders, points):
    whole = segment(orders)
    pieces = [enforce_limits(piece, plan()) for piece in cut(whole, points)]
    assert told(join(pieces)) == told(enforce_limits(whole, plan()))


class TestTransform:
    CONFIG = EnforceLimitsConfig(rules=RULES, source_systems={DATASET: ("web",)})

    def test_it_is_one_step_and_counts_its_own_findings(self):
        whole = validate(segment([order(0, amount=20), order(1, text="abcd")]), plans())
        assert whole.findings.num_rows == 1
        pipeline = beam.Pipeline()
        made = (
            pipeline
            | beam.Create([whole], reshuffle=False).with_output_types(Segment)
            | "EnforceLimits" >> EnforceLimits(self.CONFIG)
        )
        wanted = [[(1, "DDL.orders.text", "text")]]
        assert_that(made | beam.Map(letters), equal_to(wanted))
        assert counted(pipeline) == {"DDL.orders.text/web": 1}

    def test_the_worker_side_pickles_before_setup(self):
        step = pickle.loads(pickle.dumps(_EnforceLimitsFn(self.CONFIG)))
        step.setup()
        (made,) = step.process(segment([order(0, text="abcd")]))
        assert [offset for offset, *_ in letters(made)] == [0]

    def test_display_data_count_the_columns(self):
        assert EnforceLimits(self.CONFIG).display_data() == {DATASET: 3}


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_a_table_without_rows_breaks_nothing(kind):
    empty = segment([order(0)]).slice(0, 0)
    table = empty.rows[DATASET]
    at = table.column_names.index("text")
    typed = table.set_column(at, "text", pa.chunked_array([], kind))
    assert enforce_limits(empty.with_rows(DATASET, typed), plan()).disposed.num_rows == 0
