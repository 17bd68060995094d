import pyarrow as pa
import pytest

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from tests.transforms.windows.rows import BUILT_IN, EVERY_KIND, SCHEMA, declare
from transforms.errors import ConfigurationError
from transforms.windows import Aggregate, AggregateWindows
from transforms.windows.partials import thread_engine
from transforms.windows.plan import make_plan


def check(**changes):
    AggregateWindows(declare(**changes)).check(SCHEMA)


def measure(**kind):
    check(measures={"measured": kind})


class TestWhatFits:
    def test_every_kind_of_measure(self):
        check(measures=EVERY_KIND)

    @pytest.mark.parametrize("declared", BUILT_IN, ids=lambda each: each["name"])
    def test_the_built_in_aggregates_over_the_packaged_schema(self, declared):
        schema = arrow_schema(packaged_dataset("dispense_event").reader)
        derived = {
            "ndc11": pa.string(),
            "store_time_zone": pa.string(),
            "turnaround_minutes": pa.float64(),
        }
        for name, kind in derived.items():
            schema = schema.append(pa.field(name, kind))
        AggregateWindows(Aggregate.model_validate(declared)).check(schema)

    def test_our_own_functions(self):
        measure(count="is_npi(note)")

    def test_only_the_columns_that_are_needed_are_read(self):
        aggregate = declare(measures={"n": {"sum": "DAYS_SUPPLY"}}, where="note = 'x' -- why")
        plan = make_plan(aggregate, SCHEMA, thread_engine())
        assert plan.reads == ("event_time", "pharmacy_ncpdp_id", "days_supply", "note")


class TestWhatIsRefused:
    """Each message names the aggregate, the place and the fault."""

    def refused(self, text, **changes):
        with pytest.raises(ConfigurationError, match=text) as caught:
            check(**changes)
        assert "aggregate counted" in caught.value.what
        assert caught.value.remedy

    def test_a_column_that_is_not_there(self):
        self.refused("time: sold_at is no column", time="sold_at")
        self.refused("dimensions: shop is no column", dimensions=["shop"])
        self.refused("zone: tz is no column", window="day", zone="tz")
        self.refused("measure n.*price", measures={"n": {"sum": "price"}})

    def test_a_time_that_is_none(self):
        self.refused("days_supply is int32, not a timestamp", time="days_supply")

    def test_a_zone_that_is_no_text(self):
        self.refused("days_supply holds no texts", window="day", zone="days_supply")

    def test_a_dimension_of_floats(self):
        self.refused("turnaround_minutes is double", dimensions=["turnaround_minutes"])

    def test_a_condition_that_is_neither_true_nor_false(self):
        self.refused("where: must be true or false", where="days_supply")
        self.refused("measure n: must be true", measures={"n": {"count": "days_supply"}})

    def test_an_expression_that_is_none(self):
        self.refused("where", where="note = ")
        self.refused("where", where="now() > event_time")

    def test_a_sum_of_floats_which_says_what_to_do_instead(self):
        self.refused("sum of double", measures={"n": {"sum": "turnaround_minutes"}})
        with pytest.raises(ConfigurationError, match=r"CAST\(\.\.\. AS DECIMAL\(18, 3\)\)"):
            measure(sum="turnaround_minutes")

    def test_a_sum_that_may_overflow(self):
        measure(sum="CAST(note AS DECIMAL(28, 2))")
        self.refused("overflow", measures={"n": {"sum": "CAST(note AS DECIMAL(29, 2))"}})
        self.refused("overflow", measures={"n": {"sum": "CAST(note AS HUGEINT)"}})

    def test_a_sum_of_texts_or_booleans(self):
        self.refused("sum of string", measures={"n": {"sum": "note"}})
        self.refused("sum of bool", measures={"n": {"sum": "note = 'x'"}})

    def test_quantiles_of_texts(self):
        self.refused("quantiles of", measures={"n": {"quantiles": "note", "at": [0.5]}})

    def test_distinct_floats(self):
        self.refused("distinct of double", measures={"n": {"distinct": "turnaround_minutes"}})

    def test_the_least_of_lists(self):
        self.refused("min of list", measures={"n": {"min": "[note]"}})
