"""What each stage costs by itself: one plain loop over the transforms' functions, without Beam."""

from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from beam_pipelines.pharmacy.chain import Chain, make_chain
from beam_pipelines.pharmacy.config import load_config
from tests.benchmarks.decoding import dispense_plan
from tests.benchmarks.stage_clock import StageClock
from transforms.avro.enforce import enforce
from transforms.identifiers import LinkKeys
from transforms.kafka.client import Broker, PartitionConsumer
from transforms.kafka.settings import BrokerSettings
from transforms.lake import StoreSettings
from transforms.lake.chain import CommitChain
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit
from transforms.lake.files import DatasetLayout, build_files
from transforms.lake.names import PartitionId
from transforms.lake.writer import describe
from transforms.masking import MaskPlan, mask
from transforms.quality.limits import LimitPlan, enforce_limits
from transforms.quality.rule_plans import RulePlans
from transforms.quality.validate import validate
from transforms.references import References
from transforms.segment import Segment
from transforms.sql import Join
from transforms.tables import DerivedColumns
from transforms.tables.derivation import derive

SEGMENT = 50_000
DATASET = "dispense_event"
LAYOUT = DatasetLayout(event_time="event_time")


class ChainLoop:
    """The transforms of the packaged configuration between decoding and the sink.

    Args:
        references: A lake whose references the events look up.
        store: Its address and credentials.
        key: The masking key.
    """

    def __init__(self, references: str, store: StoreSettings, key: str) -> None:
        chain = make_chain(load_config(None))
        looked_up = References(
            chain.rules.references,
            lake_root=references,
            store=store,
            schemas=chain.schemas,
            link_keys=partial(LinkKeys, key, domain=chain.masks.domain),
        )
        self._plans = RulePlans(chain.rules, looked_up, {})
        self._engine = looked_up.engine()
        self._steps = [(s, self._joins(s, looked_up)) for s in _derivations(chain)]
        self._masks = MaskPlan(chain.masks, key, key)
        self._limits = LimitPlan(chain.limits, {})
        self._aggregates = [a for a in chain.aggregates if a.aggregate.dataset == DATASET]
        for each in self._aggregates:
            each.setup()

    def __call__(self, segment: Segment, clock: StageClock) -> tuple[Segment, dict[str, pa.Table]]:
        """Returns the segment as the sink gets it, and the partials."""
        with clock.stage("validate"):
            segment = validate(segment, self._plans)
        with clock.stage("derive"):
            for step, joins in self._steps:
                segment = derive(segment, step, self._engine, joins)
        with clock.stage("mask"):
            segment = mask(segment, plan=self._masks)
        with clock.stage("measure"):
            segment = enforce_limits(segment, self._limits)
        with clock.stage("aggregate"):
            partials = {each.name: each.derive(segment) for each in self._aggregates}
        return segment, partials

    def _joins(self, step: DerivedColumns, references: References) -> Sequence[Join]:
        parsed = [self._engine.parse(sql) for sql in step.expressions.values()]
        return references.view().joins(step.dataset, parsed)


def measure(
    servers: str, store: StoreSettings, root: str, topic: str, loop: ChainLoop
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
    for partition in facts.partitions:
        owner = PartitionId(topic, facts.topic_id, partition)
        chain = CommitChain(objects, owner, "bench")
        chain.append(genesis(owner))
        position = 0
        while position < ends[partition]:
            with clock.stage("consume"):
                end = ends[partition]
                fetched = consumer.fetch(topic, partition, position, end, SEGMENT, 1 << 26)
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
            segment, partials = loop(segment, clock)
            _write(segment, partials, chain, clock)
            position, events = fetched.end, events + fetched.messages.num_rows
    consumer.close()
    return clock, events


def _write(
    segment: Segment, partials: dict[str, pa.Table], chain: CommitChain, clock: StageClock
) -> None:
    with clock.stage("parquet"):
        segment.check()
        built = list(build_files(segment, {DATASET: LAYOUT}, partials, {"lake_id": "bench"}))
    with clock.stage("upload"):
        for each in built:
            chain.store.put(each.file.key, each.body)
    with clock.stage("commit"):
        tail = chain.tail()
        assert tail is not None
        assert chain.append(describe(segment, [b.file for b in built], tail, "bench"))


def genesis(owner: PartitionId) -> SegmentCommit:
    """Returns the first commit of a partition."""
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


def _derivations(chain: Chain) -> list[DerivedColumns]:
    return [s for s in chain.steps if isinstance(s, DerivedColumns) and s.dataset == DATASET]
