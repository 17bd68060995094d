"""From a configuration to live figures: off by default, and nothing that tells of a patient."""

from datetime import UTC, datetime

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.kpi_plan import check_shown, kpi_job
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from transforms.errors import ConfigurationError
from transforms.windows import Aggregate

ON = ["kpi.topic=pharmacy.kpi"]


def packaged(*overrides, mode="stream"):
    return PharmacyJob(
        config=load_config(None, overrides),
        bootstrap_servers="h:1",
        lake_root="s3://bucket/lake",
        mode=mode,
    )


class TestJob:
    def test_without_a_topic_nothing_is_published(self):
        assert kpi_job(packaged()) is None

    def test_the_packaged_aggregates_are_published(self):
        made = kpi_job(packaged(*ON))
        assert [each.name for each in made.aggregates] == [
            "fills_per_store",
            "units_per_drug",
            "revenue_by_payer",
            "turnaround_per_store",
        ]
        reading = made.reading()
        assert "pharmacy.dispense" in reading.topics
        assert "pharmacy.inventory" not in reading.topics
        assert "partials.units_per_drug" in reading.tables
        assert (made.publish.topic, reading.mode) == ("pharmacy.kpi", "stream")

    def test_small_cells_are_hidden_unless_it_is_said_otherwise(self):
        assert kpi_job(packaged(*ON)).panes.suppress_below == 11
        assert kpi_job(packaged(*ON, "kpi.suppress_below=0")).panes.suppress_below == 0

    def test_only_in_a_stream_calls_are_short(self):
        assert kpi_job(packaged(*ON)).publish.call_s == 5.0
        assert kpi_job(packaged(*ON, mode="drain")).publish.call_s is None

    @pytest.mark.parametrize(("max_age_s", "poll_every_s"), [(0.2, 1.0), (2, 2.0), (30, 5.0)])
    def test_chains_are_asked_as_often_as_segments_come(self, max_age_s, poll_every_s):
        made = kpi_job(packaged(*ON, f"stream.max_age_s={max_age_s}"))
        assert made.follow.poll_every_s == poll_every_s

    def test_all_settings_are_the_configurations(self):
        made = kpi_job(
            packaged(
                *ON,
                "kpi.early_s=3",
                "kpi.allowed_lateness_s=60",
                "kpi.partitions=5",
                "kpi.since=2026-03-01T00:00:00Z",
                "kpi.sliding={fills_per_store: [{size_s: 3600, every_s: 900}]}",
            )
        )
        fills, units = made.aggregates[:2]
        assert made.partitions == 5
        assert made.firing(units).sliding == ()
        (slides,) = made.firing(fills).sliding
        assert (slides.size_s, slides.every_s) == (3600, 900)
        for each in (fills, units):
            firing = made.firing(each)
            assert (firing.early_s, firing.allowed_lateness_s) == (3, 60)
            assert firing.since == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def masks():
    return packaged().chain.masks


class TestWhatIsShown:
    def declared(self, **changes):
        held = {
            "name": "a",
            "dataset": "dispense_event",
            "time": "event_time",
            "window": "1h",
            "measures": {"n": {"count": ""}},
        }
        return Aggregate.model_validate({**held, **changes})

    @pytest.mark.parametrize(
        ("column", "cls"),
        [("patient_id", "D:mrn"), ("age_at_service", "Q:age"), ("patient_link", "a link")],
    )
    def test_a_dimension_that_tells_of_a_patient_is_refused(self, masks, column, cls):
        with pytest.raises(ConfigurationError, match=rf"{column} \({cls}\) as its dimension"):
            check_shown(self.declared(dimensions=[column]), masks)

    @pytest.mark.parametrize("measure", [{"min": ""}, {"max": ""}, {"quantiles": "", "at": [1]}])
    def test_so_is_a_value_out_of_many_in_any_spelling(self, masks, measure):
        measures = {"least": {n: v or "upper(Patient_Zip)" for n, v in measure.items()}}
        with pytest.raises(ConfigurationError, match=r"\(Q:geo\) as its measure least"):
            check_shown(self.declared(measures=measures), masks)

    def test_counts_and_numbers_of_distinct_values_are_not(self, masks):
        measures = {
            "patients": {"distinct": "patient_id"},
            "minors": {"count": "patient_zip IS NULL"},
            "last": {"max": "event_time"},
        }
        check_shown(self.declared(dimensions=["payer_bin", "_partition"], measures=measures), masks)
