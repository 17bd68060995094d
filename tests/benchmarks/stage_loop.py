"""What each stage costs by itself, in one loop on one core, per million events."""

import hashlib
import io
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import fastavro
import numpy as np
import pyarrow as pa

from schemas.catalog import packaged_dataset
from schemas.registries import open_registry
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.kafka.client import Broker, BrokerSettings, PartitionConsumer
from transforms.lake.chain import CommitChain
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit
from transforms.lake.files import DatasetLayout, build_files
from transforms.lake.names import PartitionId
from transforms.lake.settings import StoreSettings
from transforms.lake.writer import describe
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA, Segment

SEGMENT = 50_000


class StageClock:
    """Adds up wall and CPU seconds by stage."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), _cpu()
        yield
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
        self.cpu[name] = self.cpu.get(name, 0.0) + _cpu() - cpu


def measure(
    servers: str, store: StoreSettings, root: str, topic: str, partitions: int
) -> tuple[StageClock, int]:
    """Runs the stages one after the other over a topic of dispense events.

    Returns:
        The clock and the number of events.
    """
    clock, events = StageClock(), 0
    objects = ObjectStore(root, store)
    broker = Broker(BrokerSettings(bootstrap_servers=servers))
    facts = broker.describe([topic])[0]
    ends = broker.stable_end(facts)
    plan = dispense_plan(topic)
    consumer = PartitionConsumer(BrokerSettings(bootstrap_servers=servers))
    for partition in range(partitions):
        owner = PartitionId(topic, facts.topic_id, partition)
        chain = CommitChain(objects, owner, "bench")
        chain.append(genesis(owner))
        position = 0
        while position < ends[partition]:
            with clock.stage("consume"):
                fetched = consumer.fetch(
                    topic, partition, position, ends[partition], SEGMENT, 1 << 26
                )
            segment = Segment(
                topic=topic,
                topic_id=facts.topic_id,
                partition=partition,
                start=position,
                end=fetched.end,
                messages=fetched.messages,
            )
            with clock.stage("decode"):
                segment = enforce(segment, plan)
            with clock.stage("parquet"):
                segment.check()
                built = list(
                    build_files(segment, {"dispense_event": LAYOUT}, {}, {"lake_id": "bench"})
                )
            with clock.stage("upload"):
                for each in built:
                    objects.put(each.file.key, each.body)
            with clock.stage("commit"):
                tail = chain.tail()
                assert tail is not None
                assert chain.append(describe(segment, [b.file for b in built], tail, "bench"))
            position, events = fetched.end, events + fetched.messages.num_rows
    consumer.close()
    return clock, events


LAYOUT = DatasetLayout(event_time="event_time")


def dispense_plan(topic: str) -> SchemaPlan:
    reader = packaged_dataset("dispense_event").reader
    contract = TopicContract(topic=topic, dataset="dispense_event", reader=reader)
    return SchemaPlan(contract, WriterSchemas(open_registry("package:"), 1.0))


def genesis(owner: PartitionId) -> SegmentCommit:
    return SegmentCommit(
        lake_id="bench",
        cluster_id="bench",
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=owner.partition,
        seq=0,
        start=0,
        end=0,
        prev="",
        genesis={"how": "earliest"},
    )


def decode_rate(values: list[bytes], share_bad: float, seed: int = 1) -> float:
    """Returns events per CPU second of decoding, with a share of the messages damaged."""
    rng = np.random.default_rng(seed)
    damaged = list(values)
    for i in np.flatnonzero(rng.random(len(values)) < share_bad):
        damaged[i] = damaged[i][: 6 + int(rng.integers(0, len(damaged[i]) - 6))]
    segment = segment_of(damaged)
    plan = dispense_plan("bench")
    enforce(segment.slice(0, 1000), plan)  # Compiles the plan.
    cpu = _cpu()
    enforce(segment, plan)
    return len(values) / (_cpu() - cpu)


def segment_of(values: list[bytes]) -> Segment:
    count = len(values)
    messages = pa.table(
        {
            "offset": pa.array(np.arange(count)),
            "timestamp": pa.array(np.zeros(count, np.int64)).cast(pa.timestamp("ms", "UTC")),
            "key": pa.nulls(count, pa.binary()),
            "value": pa.array(values, pa.binary()),
        }
    )
    messages = messages.append_column("headers", pa.nulls(count, HEADERS_TYPE))
    return Segment(
        topic="bench",
        topic_id=hashlib.sha256(b"bench").hexdigest()[:22],
        partition=0,
        start=0,
        end=count,
        messages=messages.cast(MESSAGES_SCHEMA),
    )


def per_record_rate(values: list[bytes], write: Callable[[pa.Table], object]) -> float:
    """Returns events per CPU second of the usual way: fastavro a record, dicts, then Parquet."""
    schema = fastavro.parse_schema(packaged_dataset("dispense_event").reader.json)
    cpu = _cpu()
    for at in range(0, len(values), SEGMENT):
        rows = [
            fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)
            for value in values[at : at + SEGMENT]
        ]
        for row in rows:
            row["event_id"] = str(row["event_id"])
        write(pa.Table.from_pylist(rows))
    return len(values) / (_cpu() - cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
