"""Fixtures: one small stream for the session, a lake for each test."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer

from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.one_schema import events_of_one_schema
from beam_pipelines.produce.topics import TOPICS, TopicSpec
from runners.local import S3, Kafka
from tests.configs import plain_config
from tests.faults.lakes import Lake
from tests.launcher import Launcher
from tests.oracle import Expected, expect_topic

#: Topics of our own, so that no other suite's messages get into them, and what they carry.
DISPENSE = TopicSpec(name="faults.dispense", dataset="dispense_event", partitions=3)
PATIENTS = TopicSpec(name="faults.patients", dataset="patient_update", partitions=2)
_CARRIED = {"pharmacy.dispense": DISPENSE, "pharmacy.patients": PATIENTS}

#: Some 900 dispense events and 70 patient updates, with faults of every kind.
_EVENTS = 1_500

#: So that a partition of the larger topic has three segments.
_SEGMENT = 120

ConfigFactory = Callable[..., str]


@pytest.fixture(scope="session")
def stream(kafka: Kafka) -> Mapping[str, Expected]:
    """Produces the stream once; gives what a lake must hold of it, by dataset."""
    produce(kafka, seed=7, events=_EVENTS, topics=_CARRIED)
    return {
        spec.dataset: expect_topic(kafka.bootstrap_servers, spec.name, carries=carried)
        for carried, spec in _CARRIED.items()
    }


def produce(kafka: Kafka, *, seed: int, events: int, topics: Mapping[str, TopicSpec]) -> None:
    """Produces what a generated stream has for some topics, to topics of other names.

    Args:
        kafka: The broker.
        seed: Same seed, same messages.
        events: Of the whole stream.
        topics: By generated topic, where its messages go.
    """
    target = KafkaTarget(kafka.bootstrap_servers, {}, transactional_id="faults")
    target.prepare(topics.values(), create=True, replication=1)
    given = tuple(
        replace(spec, partitions=topics[spec.name].partitions) if spec.name in topics else spec
        for spec in TOPICS
    )
    for chunk in generate(seed, events, topics=given):
        if chunk.topic in topics:
            target.send(replace(chunk, topic=topics[chunk.topic].name))
    target.flush()


def produce_one_schema(
    kafka: Kafka, topic: str, *, partitions: int, count: int, seed: int = 0
) -> None:
    """Produces sound dispense events of one schema version, dealt out to the partitions."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for number, value in enumerate(events_of_one_schema(count, seed)):
        producer.produce(topic, value, partition=number % partitions)
    assert producer.flush(30) == 0


def dispense_topic(name: str, partitions: int = 1) -> TopicSpec:
    """Returns a topic of a test's own that carries dispense events."""
    return TopicSpec(name=name, dataset="dispense_event", partitions=partitions)


@pytest.fixture
def config_factory(tmp_path: Path) -> ConfigFactory:
    """Writes configuration files: ``config_factory(*topics, messages=700, lake={}) -> path``."""

    def write(*topics: TopicSpec, messages: int = _SEGMENT, **sections: object) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        named = [(topic.name, topic.dataset) for topic in topics]
        content = plain_config(named, **{"segment": {"messages": messages}, **sections})
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


@pytest.fixture
def lake(
    launcher: Launcher,
    kafka: Kafka,
    s3: S3,
    stream: Mapping[str, Expected],
    lake_root: str,
    config_factory: ConfigFactory,
) -> Lake:
    """A lake of this test that reads the session's stream; there is nothing in it yet."""
    config = config_factory(PATIENTS, DISPENSE)
    return Lake(launcher=launcher, kafka=kafka, s3=s3, config=config, root=lake_root)
