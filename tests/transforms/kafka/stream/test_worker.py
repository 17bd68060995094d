"""What the threads of a process share."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import apache_beam as beam
import pytest

from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import LAKE_ID, born
from tests.transforms.segments import OWNER
from transforms.kafka import BrokerSettings, PartitionTask, ReadFromKafkaConfig
from transforms.kafka.stream import worker
from transforms.kafka.stream.worker import BROKER_PATIENCE_S, borrow, give_back
from transforms.lake.lanes import lane

CONFIG = ReadFromKafkaConfig(
    broker=BrokerSettings(bootstrap_servers="127.0.0.1:1"),
    topics=[OWNER.topic],
    lake_root="s3://bucket/lake",
    mode="stream",
    rehearsal=[beam.Map(str)],
)


@pytest.fixture
def opened(monkeypatch):
    """The stand-ins for consumers and brokers that were made."""
    made = []

    class Stub:
        def __init__(self, _settings, patience_s=None):
            self.patience_s, self.closed = patience_s, False
            made.append(self)

        def close(self):
            self.closed = True

    bucket = FakeBucket()
    born(bucket)
    monkeypatch.setattr(worker, "ObjectStore", lambda root, _settings: bucket.store(root))
    monkeypatch.setattr(worker, "StreamConsumer", Stub)
    monkeypatch.setattr(worker, "Broker", Stub)
    monkeypatch.setattr(worker, "_loans", worker._Loans())
    monkeypatch.setattr("transforms.lake.lanes._lanes", {})
    return made


def copied(config):
    """As it reaches a thread."""
    return pickle.loads(pickle.dumps(config))


def task(partition=0):
    return PartitionTask(
        topic=OWNER.topic, topic_id=OWNER.topic_id, partition=partition, fence=0, wanted=0
    )


def test_all_threads_of_a_process_share_one_consumer(opened):
    with ThreadPoolExecutor(4) as pool:
        lent = list(pool.map(lambda _: borrow(replace(CONFIG, rehearsal=())), range(8)))
    assert len({id(each) for each in lent}) == 1
    assert len(opened) == 2


def test_a_copy_of_the_transform_is_the_same_stream(opened):
    config = replace(CONFIG, rehearsal=[beam.Create([1])])
    assert borrow(config) is borrow(replace(config, rehearsal=[beam.Create([1])]))


def test_another_stream_has_a_consumer_of_its_own(opened):
    assert borrow(CONFIG) is not borrow(replace(CONFIG, topics=["other"]))


def test_the_last_one_closes_it_and_the_next_one_makes_another(opened):
    first = borrow(CONFIG)
    assert borrow(CONFIG) is first
    give_back(first)
    assert not opened[0].closed
    give_back(first)
    assert opened[0].closed
    assert borrow(CONFIG) is not first


def test_where_a_partition_stands_is_the_same_for_every_thread(opened):
    lent = borrow(CONFIG)
    assert lent.stream(task()) is lent.stream(copied(task()))
    assert lent.stream(task()) is not lent.stream(task(1))


def test_reader_and_sink_meet_at_the_same_lane(opened):
    lent = borrow(CONFIG)
    assert lent.lane(task()) is lane(lent._store, OWNER, LAKE_ID)


def test_the_cluster_is_not_waited_for_within_a_call(opened):
    borrow(CONFIG)
    assert [each.patience_s for each in opened if each.patience_s] == [BROKER_PATIENCE_S]
