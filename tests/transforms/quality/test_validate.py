"""Verdicts on rows."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.quality.rows import (
    DATASET,
    NOON,
    by_message,
    cut,
    findings,
    letters,
    order,
    segment,
    some_orders,
    told,
)
from transforms.errors import ConfigurationError
from transforms.quality import Rule, RuleSet
from transforms.quality.rule_plans import RulePlans
from transforms.quality.validate import WARNINGS, validate
from transforms.references import References, ReferenceSpec
from transforms.references.held import Held, HeldRows, source_of
from transforms.references.versions import with_lineage
from transforms.segment import join

SECRET = "Zweig-4711"


def rule(name, severity, expect, field="amount", **changed):
    values = {"id": name, "version": 1, "dataset": DATASET, "severity": severity, "field": field}
    return Rule.model_validate(
        {**values, "expect": expect, "message": "It is wrong", "owner": "sales", **changed}
    )


RULES = (
    rule("E1", "error", "amount > 0"),
    rule("E2", "error", "text <> 'bad'", "text"),
    rule("W1", "warn", "amount < 10"),
    rule("W2", "warn", "kind = 'A'", "kind"),
    rule("A1", "alert", "amount <> 7"),
)


def plans(*rules, references=None, systems=("web", "shop")):
    rule_set = RuleSet(rules=rules or RULES, references=references.specs if references else {})
    return RulePlans(rule_set, references or References(), {DATASET: systems})


def judged(*orders, rules=(), **changed):
    return validate(segment(orders), plans(*rules, **changed))


def warnings(made):
    return made.rows[DATASET].column(WARNINGS).to_pylist()


class TestSeverities:
    def test_rows_that_trip_nothing_pass_untouched(self):
        before = segment([order(0), order(1)])
        after = validate(before, plans())
        assert after.rows[DATASET].drop_columns([WARNINGS]).equals(before.rows[DATASET])
        assert warnings(after) == [None, None]
        assert (letters(after), findings(after)) == ([], [])

    def test_an_error_makes_a_dead_letter_with_rule_field_and_schema(self):
        made = judged(order(0), order(1, amount=0), order(2))
        assert letters(made) == [(1, "E1", "amount")]
        assert made.disposed.column("schema_id").to_pylist() == ["7"]
        assert made.rows[DATASET].column("_offset").to_pylist() == [0, 2]
        made.check()

    def test_the_first_error_by_id_is_the_reason_and_all_are_found(self):
        made = judged(order(0, amount=0, text="bad", kind="B"))
        assert letters(made) == [(0, "E1", "amount")]
        assert findings(made) == [(0, "E1", "error"), (0, "E2", "error"), (0, "W2", "warn")]

    def test_warnings_stand_in_the_row_in_the_order_of_their_ids(self):
        made = judged(order(0, amount=20, kind="B"), order(1, kind="B"), order(2, amount=20))
        assert warnings(made) == ["W1,W2", "W2", "W1"]
        assert letters(made) == []

    def test_an_alert_passes_and_is_found(self):
        made = judged(order(0, amount=7))
        assert (warnings(made), findings(made)) == ([None], [(0, "A1", "alert")])

    def test_null_holds(self):
        made = judged(order(0, amount=None, text=None, kind=None))
        assert (letters(made), findings(made)) == ([], [])


class TestWarningsColumn:
    def test_it_stands_after_the_lineage(self):
        names = judged(order(0)).rows[DATASET].column_names
        assert names[7:9] == [WARNINGS, "event_time"]

    def test_rows_without_a_rule_of_theirs_have_none(self):
        other = rule("E1", "error", "amount > 0", dataset="others")
        made = validate(segment([order(0)]), RulePlans(RuleSet(rules=(other,)), References(), {}))
        assert WARNINGS not in made.rows[DATASET].column_names
        assert made.versions == {}

    def test_a_table_without_rows_has_it_too(self):
        made = judged()
        assert made.rows[DATASET].num_rows == 0
        assert made.rows[DATASET].schema.field(WARNINGS).type == pa.dictionary(
            pa.int32(), pa.string()
        )


class TestSeveralRows:
    def test_one_bad_row_disposes_of_the_message(self):
        made = judged(order(0), order(1), order(1, 1, amount=0), order(2))
        assert letters(made) == [(1, "E1", "amount")]
        assert made.rows[DATASET].column("_offset").to_pylist() == [0, 2]
        made.check()

    def test_a_rule_is_found_once_a_message_and_marked_on_its_rows(self):
        made = judged(order(1, 0, amount=20), order(1, 1, amount=30, kind="B"), order(1, 2))
        assert findings(made) == [(1, "W1", "warn"), (1, "W2", "warn")]
        assert warnings(made) == ["W1", "W1,W2", None]

    def test_the_first_rule_by_id_is_the_reason_whichever_row_trips_it(self):
        made = judged(order(1, 0, text="bad"), order(1, 1, amount=0))
        assert letters(made) == [(1, "E1", "amount")]


class TestFailingRules:
    FAILING = rule("F1", "warn", "CAST(text AS INTEGER) > 0", "text")

    def test_the_row_on_which_a_rule_fails_is_a_dead_letter_and_its_neighbors_are_judged(self):
        orders = [order(n, text=SECRET if n == 700 else str(n % 2)) for n in range(3000)]
        made = judged(*orders, rules=[self.FAILING])
        assert letters(made) == [(700, "F1", "text")]
        assert warnings(made)[:4] == ["F1", None, "F1", None]
        assert made.findings.num_rows == 1500
        assert (700, "F1", "error") in findings(made)

    def test_a_failure_is_told_though_another_rule_trips_before(self):
        made = judged(order(0, amount=0, text=SECRET), rules=[*RULES, self.FAILING])
        assert letters(made) == [(0, "E1", "amount")]
        assert findings(made) == [(0, "E1", "error"), (0, "F1", "error")]

    def test_arithmetic_that_overflows_is_a_failure(self):
        big = rule("F2", "error", "amount * amount * amount > 0")
        made = judged(order(0, amount=2**62), order(1), rules=[big])
        assert letters(made) == [(0, "F2", "amount")]

    def test_no_value_is_told(self):
        made = judged(order(0, text=SECRET), rules=[self.FAILING])
        assert SECRET not in str(made.disposed.to_pylist()) + str(made.findings.to_pylist())


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "counts"),
        [
            ({"from": "2026-01-31"}, True),
            ({"from": "2026-02-01"}, False),
            ({"until": "2026-01-31"}, False),
            ({"until": "2026-02-01"}, True),
            ({"from": "2026-01-30", "until": "2026-02-01"}, True),
        ],
    )
    def test_a_rule_counts_on_the_broker_dates_of_its_period(self, period, counts):
        made = judged(order(0, amount=0), rules=[rule("E1", "error", "amount > 0", **period)])
        assert bool(letters(made)) is counts

    def test_the_bound_is_midnight_of_the_broker_in_utc(self):
        rules = [rule("W1", "warn", "false", **{"from": "2026-02-01"})]
        seconds = (12 * 3600) - 1
        made = judged(order(seconds), order(seconds + 1), rules=rules)
        assert warnings(made) == [None, "W1"]

    def test_out_of_its_period_a_rule_does_not_fail(self):
        rules = [rule("F1", "error", "CAST(text AS INTEGER) > 0", "text", until="2026-01-01")]
        assert letters(judged(order(0, text="x"), rules=rules)) == []

    def test_one_id_may_have_two_versions(self):
        rules = [
            rule("E1", "error", "amount > 0", until="2026-01-31"),
            rule("E1", "warn", "amount > 5", version=2, **{"from": "2026-01-31"}),
        ]
        made = judged(order(0, amount=0), rules=rules)
        assert (letters(made), warnings(made)) == ([], ["E1"])


class TestNow:
    def test_now_is_the_broker_timestamp(self):
        late = rule("E1", "error", "event_time <= _timestamp + INTERVAL 5 MINUTE", "event_time")
        minutes = [NOON + timedelta(minutes=m) for m in (4, 6)]
        made = judged(*(order(n, at=at) for n, at in enumerate(minutes)), rules=[late])
        assert letters(made) == [(1, "E1", "event_time")]


class TestSources:
    def test_source_systems_that_are_not_allowed_are_others(self):
        made = judged(
            *(order(n, amount=7, system=s) for n, s in enumerate(["web", SECRET, "shop"]))
        )
        assert made.findings.column("source_system").to_pylist() == ["web", "other", "shop"]

    def test_without_a_list_all_are_others(self):
        made = judged(order(0, amount=7), systems=())
        assert made.findings.column("source_system").to_pylist() == ["other"]

    def test_rows_without_a_source_system_are_others(self):
        whole = segment([order(0, amount=7)])
        bare = {DATASET: whole.rows[DATASET].drop_columns(["source_system"])}
        made = validate(replace(whole, rows=bare), plans())
        assert made.findings.column("source_system").to_pylist() == ["other"]


class TestReferences:
    SPECS = {  # noqa: RUF012
        "thing": ReferenceSpec(dataset="thing_ref", key="code", lookup={DATASET: "text"})
    }

    def references(self, monkeypatch, *rows):
        columns = {
            "code": pa.string(),
            "price": pa.int64(),
            "effective_from": pa.timestamp("us", "UTC"),
        }
        schema = pa.schema(columns.items())
        made = References(self.SPECS, schemas={"thing_ref": schema})
        table = pa.Table.from_pylist([dict(zip(columns, r, strict=True)) for r in rows], schema)
        spec = self.SPECS["thing"]
        kept = {source_of(spec): HeldRows(with_lineage(table, spec))} if rows else {}
        monkeypatch.setattr(References, "_held", lambda *_: Held(rows=kept, digest=0x123 << 192))
        return made

    RULE = rule("W1", "warn", "amount <= thing.price")
    UNKNOWN = rule("W2", "warn", "thing.code IS NOT NULL")

    def test_rules_see_the_version_of_the_events_time(self, monkeypatch):
        references = self.references(
            monkeypatch, ("1", 5, NOON - timedelta(days=9)), ("1", 1, NOON - timedelta(days=1))
        )
        old = order(0, amount=3, at=NOON - timedelta(days=2))
        made = judged(old, order(1, amount=3), rules=[self.RULE], references=references)
        assert warnings(made) == [None, "W1"]

    def test_where_nothing_is_found_the_reference_is_null_and_the_rule_holds(self, monkeypatch):
        references = self.references(monkeypatch)
        made = judged(order(0, amount=3), rules=[self.RULE, self.UNKNOWN], references=references)
        assert warnings(made) == ["W2"]

    def test_the_versions_name_the_references(self, monkeypatch):
        made = judged(order(0), rules=[self.RULE], references=self.references(monkeypatch))
        assert made.versions["references"] == "0000000000000123"
        assert len(made.versions[f"rules.{DATASET}"]) == 16

    def test_a_reference_that_does_not_fit_any_more_stops_it_and_names_the_rule(self, monkeypatch):
        references = self.references(monkeypatch)
        price = pa.field("price", pa.date32())
        references._schemas["thing_ref"] = references._schemas["thing_ref"].set(1, price)
        with pytest.raises(ConfigurationError, match="rule W1 of orders"):
            judged(order(0), rules=[self.RULE], references=references)


ORDERS = some_orders(
    amount=st.sampled_from([None, 0, 1, 7, 20]),
    text=st.sampled_from([None, "1", "bad", "x"]),
    kind=st.sampled_from(["A", "B"]),
    system=st.sampled_from(["web", "nobody"]),
)


FAILING = rule("F1", "alert", "CAST(text AS INTEGER) > 0", "text", **{"from": "2026-01-31"})
PLANS = plans(*RULES, FAILING)


def by_hand(row):
    """What the rules say of a row, in plain Python: rule -> how it ends."""
    amount, text = row["amount"], row["text"]
    trips = {
        "E1": amount is not None and amount <= 0,
        "E2": text == "bad",
        "W1": amount is not None and amount >= 10,
        "W2": row["kind"] != "A",
        "A1": amount == 7,
        "F1": text in ("bad", "x"),
    }
    return {name for name, tripped in trips.items() if tripped}


@settings(max_examples=30, deadline=None)
@given(ORDERS)
def test_verdicts_are_those_of_a_loop(orders):
    made = validate(segment(orders), PLANS)
    of_message = by_message(orders, by_hand)
    assert [f[:2] for f in findings(made)] == [
        (offset, name) for offset, names in of_message.items() for name in sorted(names)
    ]
    fatal = {o: sorted(n & {"E1", "E2", "F1"}) for o, n in of_message.items()}
    assert [d[:2] for d in letters(made)] == [(o, names[0]) for o, names in fatal.items() if names]
    assert warnings(made) == [
        ",".join(sorted(by_hand(each) & {"W1", "W2"})) or None
        for each in orders
        if not fatal[each["_offset"]]
    ]


@settings(max_examples=20, deadline=None)
@given(ORDERS, st.lists(st.integers(0, 40), max_size=2))
def test_the_verdicts_do_not_depend_on_the_cut(orders, points):
    whole = segment(orders)
    pieces = [validate(piece, PLANS) for piece in cut(whole, points)]
    assert told(join(pieces)) == told(validate(whole, PLANS))
    cut_after = cut(validate(whole, PLANS), points)
    assert [told(piece) for piece in pieces] == [told(piece) for piece in cut_after]
