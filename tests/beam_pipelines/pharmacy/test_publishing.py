"""The live figures' part of a run: the topic before it, the figures after the lake."""

import io

import apache_beam as beam
import pytest
from rich.console import Console

from beam_pipelines.pharmacy import publishing
from beam_pipelines.pharmacy.kpi_pipeline import KpiJob
from tests.beam_pipelines.pharmacy.test_kpi_pipeline import ORDERS, PUBLISH
from tests.fakes.lake import TOPIC
from transforms.errors import BrokerUnavailableError, RefusedError, TopicMissingError
from transforms.kafka.publish.client import TopicState

JOB = KpiJob(
    lake_root="s3://bucket/lake", aggregates=(ORDERS,), topics=frozenset({TOPIC}), publish=PUBLISH
)


class FakeCluster:
    """Answers as it is told."""

    answer: TopicState | Exception

    def __init__(self, settings, *, patience_s):
        assert settings is PUBLISH.broker

    def state(self, topic):
        assert topic == "kpi"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def create(self, topic, partitions, config):
        assert (topic, partitions) == ("kpi", JOB.partitions)


@pytest.fixture
def screen():
    return Console(record=True, file=io.StringIO(), width=200)


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(publishing, "PublishingBroker", FakeCluster)
    return FakeCluster


class TestTheTopic:
    def test_it_is_told_when_it_was_made(self, cluster, screen):
        cluster.answer = TopicMissingError("the broker has no topic kpi", "Create it")
        publishing.check_topic(JOB, screen)
        assert screen.export_text() == "Made the topic kpi for live figures\n"

    def test_one_that_is_fit_is_not_spoken_of(self, cluster, screen):
        cluster.answer = TopicState(JOB.needs().config(), writable=True)
        publishing.check_topic(JOB, screen)
        assert screen.export_text() == ""

    @pytest.mark.parametrize(
        "answer",
        [
            TopicState({"cleanup.policy": "compact", "min.compaction.lag.ms": "0"}, writable=True),
            TopicState(JOB.needs().config(), writable=False),
            BrokerUnavailableError("Kafka at h:1 does not answer", "Look at it"),
        ],
    )
    def test_a_run_that_could_not_publish_is_refused_before_it_begins(
        self, cluster, screen, answer
    ):
        cluster.answer = answer
        with pytest.raises(RefusedError):
            publishing.check_topic(JOB, screen)


class TestTheFigures:
    def test_what_keeps_them_back_is_told_in_one_line(self, monkeypatch, screen, capsys):
        def build(pipeline, job):
            assert job is JOB
            _ = pipeline | beam.Create([1]) | beam.Map(_fail)

        monkeypatch.setattr(publishing, "build_kpi", build)
        assert not publishing.publish(JOB, ["--runner=FnApiRunner"], screen)
        told = capsys.readouterr().err
        assert told.startswith("error: the live figures are behind the lake: ")
        assert "the broker has no topic kpi" in told
        assert told.count("\n") == 1

    def test_that_they_are_there_is_told(self, monkeypatch, screen):
        monkeypatch.setattr(publishing, "build_kpi", lambda pipeline, job: None)
        assert publishing.publish(JOB, ["--runner=FnApiRunner"], screen)
        assert "in kpi" in screen.export_text()


def _fail(_element):
    raise TopicMissingError("the broker has no topic kpi", "Create it")
