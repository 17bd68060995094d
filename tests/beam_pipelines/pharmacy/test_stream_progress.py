"""What is seen of a stream: the lake, the warehouse and the live figures, none in another's way."""

import io

import pytest
from rich.console import Console

from beam_pipelines.pharmacy import stream_progress
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.preflight import Work
from beam_pipelines.pharmacy.stream_progress import StreamProgress
from tests.fakes.lake import CLUSTER, TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import BrokerUnavailableError
from transforms.kafka import TopicFacts

FACTS = TopicFacts(topic=TOPIC, topic_id=TOPIC_ID, cluster_id=CLUSTER, partitions=(0,))


class FakeBroker:
    def __init__(self, settings, *, patience_s):
        pass

    def describe(self, topics):
        return [FACTS]

    def names(self):
        return [TOPIC]

    def stable_end(self, facts):
        return {0: 5}


class Fed:
    """Stands for the warehouse or the figures."""

    def __init__(self, line):
        self.said, self.failure = line, None

    def look(self):
        if self.failure is not None:
            raise self.failure

    def line(self):
        return self.said

    def table(self):
        return f"table of {self.said}"


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(stream_progress, "Broker", FakeBroker)

    def made(**fed):
        lake = FakeLake({0: 0})
        owner = lake.lane(0).chain.owner
        job = PharmacyJob(
            config=load_config(None), bootstrap_servers="h:1", lake_root="s3://bucket/lake"
        )
        work = Work(topics=(), fences={owner: None}, ends={owner: 5}, open={})
        progress = StreamProgress(job, lake.store, work, None, "mine", **fed)
        lake.write(segment(0, 5))
        progress.look()
        return progress

    return made


def test_the_state_of_the_lake_alone_is_one_line(watch):
    line = watch().line()
    assert "5 messages" in line
    assert "loaded" not in line


def test_warehouse_and_figures_are_told_beside_it(watch):
    line = watch(warehouse=Fed("loaded 3 s ago"), figures=Fed("fills 12:00")).line()
    assert "5 messages" in line
    assert line.endswith("  loaded 3 s ago  fills 12:00")


def test_figures_that_can_not_be_read_hide_nothing_else_and_are_read_on(watch):
    figures = Fed("fills 12:00")
    progress = watch(figures=figures)
    figures.failure = BrokerUnavailableError("it is away", "Wait")
    progress.look()
    assert "5 messages" in progress.line()
    assert progress.line().endswith("the figures can't be read: it is away. Wait")
    figures.failure = None
    progress.look()
    assert progress.line().endswith("  fills 12:00")


def test_the_newest_figures_stand_below_the_topics(watch):
    screen = Console(file=io.StringIO(), width=140)
    screen.print(watch(figures=Fed("fills 12:00")).table())
    text = screen.file.getvalue()
    assert text.index("lag") < text.index("table of fills 12:00")
