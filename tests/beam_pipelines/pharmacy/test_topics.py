"""Topics by pattern in a configuration: which are read, what they carry, and what is refused."""

import json

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.explain import explain
from beam_pipelines.pharmacy.pipeline import PharmacyJob, _enforcing, _reading
from beam_pipelines.pharmacy.preflight import _look
from beam_pipelines.warehouse.plan import load_plan
from tests.configs import plain_config
from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import new_lake
from transforms.errors import ConfigurationError, TopicMissingError
from transforms.topics import TopicName

FILLS = r"pharmacy\.dispense(\..+)?"
STORES = "pharmacy.ref.pharmacies"


@pytest.fixture
def job(tmp_path):
    def made(*entries, mode="drain", only=None, **sections):
        path = tmp_path / "topics.yaml"
        config = plain_config([(STORES, "pharmacy_ref"), ("x", "dispense_event")], **sections)
        config["topics"][1:] = entries or [{"pattern": FILLS, "dataset": "dispense_event"}]
        path.write_text(json.dumps(config))
        return PharmacyJob(
            config=load_config(str(path)),
            bootstrap_servers="localhost:1",
            lake_root="s3://b/p",
            mode=mode,
            only=only,
        )

    return made


def seen(job, monkeypatch, *topics):
    """What the preflight finds in a cluster of these topics."""
    broker = FakeBroker({name: FakeTopic(f"id-{name}", {0: FakePartition(5)}) for name in topics})
    broker.check_reachable = lambda: None
    monkeypatch.setattr("beam_pipelines.pharmacy.preflight.Broker", lambda *_, **__: broker)
    store = FakeBucket().store()
    return [facts.topic for facts in _look(job, store, new_lake(store)).topics]


def test_topics_that_match_are_read_beside_those_that_are_named(job, monkeypatch):
    there = ("pharmacy.dispense.b", STORES, "pharmacy.dispense", "pharmacy.dispensed")
    assert seen(job(), monkeypatch, *there) == [STORES, "pharmacy.dispense", "pharmacy.dispense.b"]


def test_one_that_is_named_must_be_there_and_one_by_pattern_may_come_later(job, monkeypatch):
    assert seen(job(), monkeypatch, STORES) == [STORES]
    with pytest.raises(TopicMissingError):
        seen(job(), monkeypatch, "pharmacy.dispense")


def test_one_that_matches_twice_is_refused_with_both_named(job, monkeypatch):
    two = [{"pattern": p, "dataset": "dispense_event"} for p in (FILLS, ".*north")]
    with pytest.raises(ConfigurationError) as caught:
        seen(job(*two), monkeypatch, STORES, "pharmacy.dispense.north")
    assert f"the pattern {FILLS} and the pattern .*north" in str(caught.value)


def test_a_stream_gets_the_pattern_and_a_phase_of_a_drain_its_topics(job):
    stream = _reading(job(mode="stream"))
    assert (list(stream.topics), list(stream.patterns)) == ([STORES], [FILLS])
    phase = _reading(job(only=frozenset({"pharmacy.dispense.b", STORES})))
    assert (list(phase.topics), list(phase.patterns)) == ([STORES, "pharmacy.dispense.b"], [])


def test_contracts_and_tables_of_the_warehouse_go_by_pattern_too(job):
    names = [contract.name for contract in _enforcing(job()).contracts]
    assert names == [TopicName(topic=STORES), TopicName(pattern=FILLS)]
    plan = load_plan(job().config)
    tables = [table.table for table in plan.of("pharmacy.dispense.made.later")]
    assert tables == ["raw_dispense_event"]
    assert "pharmacy.dispensed" not in plan.topics


def test_the_dataset_of_a_topic_is_that_of_its_entry(job):
    config = job().config
    assert config.dataset_of("pharmacy.dispense.b") == "dispense_event"
    with pytest.raises(ConfigurationError, match="no entry of topics covers the topic another"):
        config.dataset_of("another")


def test_the_graph_shows_the_pattern(job):
    assert f"{FILLS}  dispense_event" in explain(job(), [], "graph")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "topics.1: a topic needs a name or a pattern"),
        ({"topic": "a", "pattern": "b"}, "topics.1: a topic needs a name or a pattern"),
        ({"pattern": "("}, r"topics.1: the pattern '\(' is no regular expression"),
        ({"pattern": "pharmacy.*"}, f"the topic {STORES} and the pattern pharmacy"),
    ],
)
def test_what_can_not_be_meant_is_refused(job, entry, words):
    with pytest.raises(ConfigurationError, match=words):
        job({**entry, "dataset": "dispense_event"})


def test_figures_are_not_published_to_what_is_read(job):
    entry = {"pattern": r"pharmacy\.[a-z]+", "dataset": "dispense_event"}
    with pytest.raises(ConfigurationError, match=r"kpi.topic is pharmacy\.kpi, which is read"):
        job(entry, kpi={"topic": "pharmacy.kpi"})
