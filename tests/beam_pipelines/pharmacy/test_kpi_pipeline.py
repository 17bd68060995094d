"""The graph of live figures: from committed partials to messages."""

from datetime import timedelta

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.pharmacy.kpi_pipeline import KpiJob, build_kpi
from tests import plans
from tests.fakes.lake import DATASET, MIDNIGHT, TOPIC, FakeLake, segment, writer
from tests.transforms.windows.batches import moved, shown
from transforms.errors import ConfigurationError
from transforms.kafka import BrokerSettings
from transforms.kafka.publish import PublishConfig, sink
from transforms.lake import read_commits
from transforms.windows import (
    Aggregate,
    AggregateWindows,
    PaneSettings,
    Sliding,
    merge_totals,
    pane_of,
)
from transforms.windows import totals as totals_module

ORDERS = Aggregate.model_validate(
    {
        "name": "orders",
        "dataset": DATASET,
        "time": "event_time",
        "window": "1h",
        "dimensions": ["_partition"],
        "measures": {"orders": {"count": ""}},
    }
)
PUBLISH = PublishConfig(broker=BrokerSettings(bootstrap_servers="h:1"), topic="kpi")


def job(**changes):
    return KpiJob(
        **{
            "lake_root": "s3://bucket/lake",
            "aggregates": (ORDERS,),
            "topics": frozenset({TOPIC}),
            "publish": PUBLISH,
            "mode": "drain",
            **changes,
        }
    )


class TestJob:
    def test_what_is_read_begins_before_the_first_window(self):
        made = job(since=MIDNIGHT)
        assert made.reading().since == MIDNIGHT - timedelta(hours=1)
        assert made.firing(ORDERS).since == MIDNIGHT

    def test_single_aggregates_may_be_fired_otherwise(self):
        slides = PaneSettings(sliding=(Sliding(size_s=7200, every_s=3600),))
        other = ORDERS.model_copy(update={"name": "other"})
        made = job(aggregates=(ORDERS, other), special={"other": slides})
        assert made.firing(other).sliding
        assert not made.firing(ORDERS).sliding

    def test_settings_of_an_aggregate_that_there_is_not_are_refused(self):
        with pytest.raises(ConfigurationError, match="the aggregate others, which is not counted"):
            job(special={"others": PaneSettings()})

    def test_the_topic_keeps_the_figures_of_windows_that_are_open(self):
        assert job(panes=PaneSettings(allowed_lateness_s=60)).needs().kept_s == 3_660
        slides = PaneSettings(sliding=(Sliding(size_s=7200, every_s=3600),), allowed_lateness_s=0)
        assert job(special={"orders": slides}).needs().kept_s == 7_200
        days = ORDERS.model_copy(update={"window": "day", "zone": "UTC"})
        assert job(aggregates=(ORDERS, days), partitions=9).needs().kept_s == 90_000 + 86_400
        assert job(partitions=9).needs().partitions == 9


class FakePublisher:
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)

    def flush(self):
        return None


#: The DoFn reaches the runner as a copy.
PUBLISHER = FakePublisher()


@pytest.fixture
def lake(monkeypatch):
    """A lake that is read by what runs in this process."""
    made = FakeLake({0: 0, 1: 0})
    for module in (read_commits, totals_module):
        monkeypatch.setattr(module, "ObjectStore", lambda _root, _settings: made.bucket.store())
    monkeypatch.setattr(sink, "KafkaPublisher", lambda *_: PUBLISHER)
    PUBLISHER.sent = []
    return made


def write(lake, *segments):
    for each in segments:
        writer(AggregateWindows(ORDERS)).write(lake.lane(each.partition), each)


def published(**changes):
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        build_kpi(pipeline, job(**changes))
    return [pane_of(value) for _, value in PUBLISHER.sent]


def counted(panes):
    return {key: values["orders"] for key, values in shown(panes).items()}


def totals(lake, **bounds):
    return {
        (row["window_start"], row["window_end"], row["_partition"]): row["orders"]
        for row in merge_totals(lake.store.root, "orders", **bounds).to_pylist()
    }


def test_a_drain_publishes_the_totals(lake):
    write(lake, segment(0, 50), segment(0, 30, partition=1), segment(50, 120))
    panes = published()
    assert [key for key, _ in PUBLISHER.sent] == [pane.key for pane in panes]
    assert {(pane.timing, pane.lake) for pane in panes} == {("on_time", "lake-1")}
    assert counted(panes) == totals(lake)


def test_from_a_time_on_it_publishes_the_totals_of_all_later_windows(lake):
    hours = [timedelta(hours=hour) for hour in range(5)]
    for number, hour in enumerate(hours):
        start = number * 150
        write(lake, moved(segment(start, start + 150), hour))
    since = MIDNIGHT + timedelta(hours=2)
    panes = published(since=since)
    assert counted(panes) == totals(lake, since=since)
    assert min(pane.window_start for pane in panes) == since


def test_cells_are_taken_where_the_commits_are_read():
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    other = ORDERS.model_copy(update={"name": "other"})
    build_kpi(pipeline, job(mode="stream", aggregates=(ORDERS, other)))
    (together,) = [
        names for names in plans.stages(pipeline) if any("TakeCells" in each for each in names)
    ]
    assert sum("TakeCells" in each for each in together) == 2
    assert any("FollowChains" in each for each in together)
