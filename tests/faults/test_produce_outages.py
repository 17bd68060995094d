"""The load generator and a broker that dies under it: all once and in order, or one clear line."""

import itertools
from collections import defaultdict

import pytest
from confluent_kafka import KafkaException, Producer

from beam_pipelines.produce import client
from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.errors import DeliveryError
from beam_pipelines.produce.topics import TopicSpec
from tests.faults.lakes import wait_until
from tests.integration.small import logged
from tests.oracle import committed_ends

pytestmark = pytest.mark.faults

PARTITIONS = 2
NUMBERS = itertools.count()


@pytest.fixture
def target(kafka):
    """Makes targets with a topic of their own: ``target(**settings) -> (target, topic)``."""

    def make(**settings):
        name = f"outages-{next(NUMBERS)}"
        named = {key.replace("_", "."): value for key, value in settings.items()}
        made = KafkaTarget(kafka.bootstrap_servers, named, transactional_id=f"outage-{name}")
        spec = TopicSpec(name=name, dataset="dispense_event", partitions=PARTITIONS)
        made.prepare([spec], create=True, replication=1)
        return made, name

    return make


def chunk(topic, count, fate=Fate.PLAIN):
    values = [b"%d" % next(NUMBERS) for _ in range(count)]
    return Chunk(
        topic=topic,
        partitions=[row % PARTITIONS for row in range(count)],
        keys=[None] * count,
        values=values,
        timestamps_ms=[1_700_000_000_000] * count,
        fate=fate,
    )


def sent(chunks):
    """The values that readers must see, by partition, in order."""
    values = defaultdict(list)
    for each in chunks:
        for partition, value in zip(each.partitions, each.values, strict=True):
            if each.fate is not Fate.ABORTED:
                values[partition].append(value)
    return dict(values)


def held(kafka, topic):
    wait_until(lambda: settled(kafka, topic))
    values = defaultdict(list)
    for message in logged(kafka, topic):
        values[message.partition].append(message.value)
    return dict(values)


def test_a_broker_that_comes_back_holds_each_message_once_and_in_order(kafka, target, monkeypatch):
    deaths = []

    class Deadly(Producer):
        """Kills the broker when it is to be told that a transaction ends."""

        def commit_transaction(self, *args):
            deaths.append("commit")
            if deaths == ["plain", "commit"]:
                restart(kafka)
            return super().commit_transaction(*args)

    monkeypatch.setattr(client, "Producer", Deadly)
    made, topic = target()
    chunks = [
        chunk(topic, 500),
        chunk(topic, 500),
        chunk(topic, 40, Fate.COMMITTED),
        chunk(topic, 40, Fate.COMMITTED),
        chunk(topic, 40, Fate.ABORTED),
        chunk(topic, 500),
    ]
    for number, each in enumerate(chunks):
        made.send(each)
        if number == 1:
            # They linger in the client, or are on their way.
            deaths.append("plain")
            restart(kafka)
    made.finish()

    assert deaths == ["plain", "commit", "commit"]
    assert held(kafka, topic) == sent(chunks)


def test_a_broker_that_stays_away_is_told_in_one_sentence(kafka, target, monkeypatch):
    monkeypatch.setattr(client, "_FLUSH_SECONDS", 3)
    cases = []
    for fate in (Fate.PLAIN, Fate.COMMITTED):
        made, topic = target(message_timeout_ms="1000")
        kept = [chunk(topic, 100, fate), chunk(topic, 100)]
        for each in kept:
            made.send(each)
        made.flush()
        cases.append((made, topic, kept, fate))
    kafka.kill()
    told = [failure_of(made, chunk(topic, 100, fate)) for made, topic, _, fate in cases]
    kafka.start()
    kafka.wait_ready()

    for text, (_, topic, kept, _) in zip(told, cases, strict=True):
        assert "the topic now holds a part of the stream" in text
        assert "\n" not in text
        assert held(kafka, topic) == sent(kept)


def failure_of(made, last):
    def to_the_end():
        made.send(last)
        made.finish()

    with pytest.raises(DeliveryError) as caught:
        to_the_end()
    return str(caught.value)


def restart(kafka):
    kafka.kill()
    kafka.start()
    kafka.wait_ready()


def settled(kafka, topic):
    """Whether the partitions of a broker that has just come back are led again."""
    try:
        return committed_ends(kafka.bootstrap_servers, topic)
    except KafkaException:
        return {}
