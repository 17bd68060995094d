import pyarrow as pa
import pytest
from pydantic import ValidationError

from tests.transforms.windows.rows import BUILT_IN, EVERY_KIND, declare
from transforms.errors import ConfigurationError
from transforms.windows import (
    Aggregate,
    AggregateWindows,
    Measure,
    aggregate_of,
    definition_of,
)
from transforms.windows.spec import METADATA_KEY, known_zones


class TestWindow:
    @pytest.mark.parametrize(
        ("text", "minutes"), [("1m", 1), ("5m", 5), ("60m", 60), ("1h", 60), ("24h", 1440)]
    )
    def test_it_is_minutes_or_hours(self, text, minutes):
        assert declare(window=text).width_us == minutes * 60_000_000

    @pytest.mark.parametrize("text", ["7m", "90m", "0m", "5h", "25h", "5", "5s", "m", "-5m", "Day"])
    def test_what_does_not_divide_the_hour_or_the_day_is_refused(self, text):
        with pytest.raises(ValidationError, match="window must be"):
            declare(window=text)

    def test_a_day_has_no_width(self):
        assert declare(window="day").width_us is None


class TestZone:
    def test_a_name_in_small_letters_is_a_column(self):
        assert declare(window="day", zone="store_time_zone").zone_column == "store_time_zone"

    def test_an_iana_name_is_fixed(self):
        assert declare(window="day", zone="Europe/Berlin").zone_column is None

    def test_an_unknown_zone_is_refused(self):
        with pytest.raises(ValidationError, match="Europe/Bonn"):
            declare(window="day", zone="Europe/Bonn")

    def test_a_zone_without_days_is_refused(self):
        with pytest.raises(ValidationError, match="unless window is day"):
            declare(zone="Europe/Berlin")

    def test_a_machine_without_zones_is_refused(self, monkeypatch):
        known_zones.cache_clear()
        monkeypatch.setattr("zoneinfo.available_timezones", lambda: set())
        with pytest.raises(ConfigurationError, match="no database of time zones"):
            AggregateWindows(declare(window="day", zone="store_time_zone")).setup()

    def test_the_zone_of_the_machine_is_no_zone(self):
        assert "localtime" not in known_zones()


class TestMeasure:
    def test_it_has_exactly_one_kind(self):
        with pytest.raises(ValidationError, match="exactly one of"):
            Measure(count="", sum="x")
        with pytest.raises(ValidationError, match="exactly one of"):
            Measure()

    def test_only_a_count_may_be_without_an_expression(self):
        assert Measure(count="").kind == "count"
        with pytest.raises(ValidationError, match="sum must have an expression"):
            Measure(sum=" ")

    def test_quantiles_say_which(self):
        with pytest.raises(ValidationError, match="at must list"):
            Measure(quantiles="x")
        with pytest.raises(ValidationError, match="at must list"):
            Measure(sum="x", at=(0.5,))
        with pytest.raises(ValidationError, match="once"):
            Measure(quantiles="x", at=(0.5, 0.5))

    def test_accuracy_is_of_quantiles(self):
        with pytest.raises(ValidationError, match="accuracy"):
            Measure(sum="x", accuracy=0.05)

    def test_columns_of_quantiles_are_named_after_percents(self):
        measure = Measure(quantiles="x", at=(0.5, 0.95, 0.999, 0.07))
        assert measure.columns("wait") == ["wait_p50", "wait_p95", "wait_p99_9", "wait_p7"]


class TestAggregate:
    def test_the_json_schema_lists_the_windows(self):
        listed = Aggregate.model_json_schema()["properties"]["window"]["enum"]
        assert {"5m", "2h", "day"} <= set(listed)

    def test_what_the_first_format_said_is_understood(self):
        held = b"""{"format": 1, "name": "a", "dataset": "d", "time": "t", "window": "1h",
            "zone": "UTC", "dimensions": ["k"], "where": "x > 1", "measures":
            {"n": {"count": "", "at": [], "accuracy": 0.01},
             "q": {"quantiles": "x", "at": [0.5], "accuracy": 0.02}}}"""
        read = aggregate_of(pa.schema([], {METADATA_KEY: held}))
        assert read.measures["q"] == Measure(quantiles="x", at=(0.5,), accuracy=0.02)
        assert (read.dimensions, read.where) == (("k",), "x > 1")

    def test_unknown_keys_are_refused(self):
        with pytest.raises(ValidationError, match="windw"):
            declare(windw="5m")

    def test_names_of_columns_are_used_once(self):
        with pytest.raises(ValidationError, match="pharmacy_ncpdp_id"):
            declare(measures={"pharmacy_ncpdp_id": {"count": ""}})
        with pytest.raises(ValidationError, match="wait_p50"):
            declare(measures={"wait": {"quantiles": "x", "at": [0.5]}, "wait_p50": {"count": ""}})

    @pytest.mark.parametrize("name", ["rows", "faults", "window_start", "suppressed"])
    def test_our_own_columns_are_reserved(self, name):
        with pytest.raises(ValidationError, match=name):
            declare(measures={name: {"count": ""}})

    def test_a_name_fits_an_object_key(self):
        with pytest.raises(ValidationError, match="name"):
            declare(name="../x")

    @pytest.mark.parametrize("declared", BUILT_IN, ids=lambda each: each["name"])
    def test_it_comes_back_from_a_tables_metadata(self, declared):
        aggregate = Aggregate.model_validate(declared)
        assert aggregate_of(pa.schema([], aggregate.to_metadata())) == aggregate

    def test_the_metadata_hold_the_defaults(self):
        held = declare(measures=EVERY_KIND).to_metadata()[METADATA_KEY]
        assert b'"zone":"UTC"' in held
        assert b'"accuracy":0.02' in held

    def test_the_order_of_measures_makes_no_other_aggregate(self):
        turned = dict(reversed(EVERY_KIND.items()))
        assert declare(measures=EVERY_KIND) == declare(measures=turned)

    def test_a_table_of_something_else_is_refused(self):
        with pytest.raises(ConfigurationError, match="no partials"):
            aggregate_of(pa.schema([]))

    def test_a_newer_format_is_refused(self):
        with pytest.raises(ConfigurationError, match="format 2"):
            aggregate_of(pa.schema([], {METADATA_KEY: b'{"format":2}'}))


class TestDefinition:
    def test_partials_that_merge_have_the_same_and_no_others(self):
        turned = dict(reversed(EVERY_KIND.items()))
        assert declare(measures=EVERY_KIND).digest == declare(measures=turned).digest
        others = [{"window": "10m"}, {"dimensions": []}, {"where": "total_paid > 0"}]
        digests = {declare(**changes).digest for changes in ({}, *others)}
        assert len(digests) == 1 + len(others)

    def test_it_is_read_off_the_metadata(self):
        aggregate = declare(measures=EVERY_KIND)
        assert definition_of(pa.schema([], aggregate.to_metadata())) == aggregate.digest

    def test_the_one_that_warehouses_hold_stays(self):
        assert declare(window="day").digest == "03d1540c5225aec7"
        assert declare(window="day", zone="UTC", where="").digest == declare(window="day").digest
