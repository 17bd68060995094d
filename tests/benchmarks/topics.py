"""The benchmark's topics: dispense events of one schema, and the references that they look up."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from beam_pipelines.produce import events_of_one_schema
from beam_pipelines.produce.chunk import partitions_of
from beam_pipelines.produce.columns import byte_strings
from beam_pipelines.produce.one_schema import AT_ONCE, DEFAULT_DAY
from beam_pipelines.produce.pools import make_world
from beam_pipelines.produce.streams.dispense import dispense_keys
from beam_pipelines.produce.streams.fills import dispense_steps
from beam_pipelines.produce.streams.references import (
    pool_size,
    reference_columns,
    reference_keys,
)
from beam_pipelines.produce.topics import DRUGS, PHARMACIES, PRESCRIBERS, TOPICS
from beam_pipelines.produce.versions import encode_versions

_DAY_MS: Final = 86_400_000
#: When the broker got the messages: the day after. A rule must not trip for the machine's clock.
BROKER_MS: Final = (DEFAULT_DAY + 2) * _DAY_MS
PARTITIONS: Final = 4


@dataclass(frozen=True)
class Events:
    """Dispense events with their keys, in the order of the day."""

    keys: list[bytes]
    values: list[bytes]

    def __len__(self) -> int:
        return len(self.values)

    def first(self, count: int) -> "Events":
        """Returns so many of them."""
        return Events(self.keys[:count], self.values[:count])


def make_events(count: int, seed: int) -> Events:
    """Returns what ``events_of_one_schema`` makes, with the keys that the stream gives them.

    The keys decide on the partitions, as in production: the events of a prescription come in one
    partition, which is what dictionaries and remembered pseudonyms live on.
    """
    world_rng, steps_rng, *_ = np.random.default_rng(seed).spawn(4)
    world = make_world(world_rng, count, DEFAULT_DAY)
    keys: list[bytes] = []
    for batch in dispense_steps(world, steps_rng, count, AT_ONCE):
        keys += byte_strings(dispense_keys(world, batch))
    return Events(keys, events_of_one_schema(count, seed))


def fill_topic(servers: str, topic: str, events: Events, partitions: int = PARTITIONS) -> None:
    """Creates a topic if need be and appends the events, each to its key's partition."""
    create_topic(servers, topic, partitions)
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 50,
            "batch.size": 1_000_000,
            "log_level": 3,  # It tells at its end of events that nobody wants.
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )
    places = partitions_of(events.keys, partitions)
    for i, (key, value, place) in enumerate(zip(events.keys, events.values, places, strict=True)):
        producer.produce(topic, value, key, place, timestamp=BROKER_MS)
        if i % 100_000 == 99_999:
            producer.flush()
    producer.flush()


def fill_references(servers: str, events: int, seed: int) -> None:
    """Makes the pipeline's other topics, and fills those of the references.

    Args:
        servers: Of the broker.
        events: As many as ``make_events`` was asked for, and so is ``seed``: then the references
            are those that the events name.
        seed: See there.
    """
    # As events_of_one_schema draws it.
    world_rng, *_, rng = np.random.default_rng(seed).spawn(4)
    world = make_world(world_rng, events, DEFAULT_DAY)
    for topic in TOPICS:
        create_topic(servers, topic.name, topic.partitions)
    for topic in (PHARMACIES, DRUGS, PRESCRIBERS):
        rows = np.arange(pool_size(world, topic))
        # In force long before the first event: fills may have begun weeks ago.
        since = np.full(len(rows), (DEFAULT_DAY - 100) * _DAY_MS * 1_000)
        columns = reference_columns(world, rng, topic, rows, since)
        values = encode_versions(topic.dataset, columns, rng)
        keys = list(reference_keys(world, topic, rows))
        fill_topic(servers, topic.name, Events(keys, values), topic.partitions)


def create_topic(servers: str, topic: str, partitions: int) -> None:
    """Makes a topic unless it is there."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 3})
    if topic not in admin.list_topics(timeout=10).topics:
        # The broker goes by the messages' own time, which is long ago.
        made = NewTopic(topic, partitions, 1, config={"retention.ms": "-1"})
        admin.create_topics([made])[topic].result()
