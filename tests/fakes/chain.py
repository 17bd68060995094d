"""The packaged configuration without Beam and servers: plain functions, cut wherever one wishes."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.pharmacy.chain import Chain, make_chain
from beam_pipelines.pharmacy.config import load_config
from schemas import open_registry
from schemas.catalog import Dataset, packaged_datasets
from tests.fakes.object_store import FakeBucket
from tests.oracle import Message
from tests.transforms.lake.lakes import LAKE_ID, born, new_lane
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.identifiers import LinkKeys
from transforms.lake import DatasetLayout, ObjectStore, PartitionId, SegmentCommit, commits
from transforms.lake.manifest import require_lake
from transforms.lake.writer import SegmentWriter
from transforms.masking import MaskPlan, mask
from transforms.quality import SealDeadLetters, ValidateConfig
from transforms.quality.limits import LimitPlan, enforce_limits
from transforms.quality.rule_plans import RulePlans
from transforms.quality.sealing import Seal
from transforms.quality.validate import validate
from transforms.references import References, loading, snapshot
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA, Segment
from transforms.tables.derivation import derive
from transforms.windows import read_totals
from transforms.windows.totals import merge_committed

MASKING_KEY = "6d" * 32
ROOT = "s3://bucket/lake"

Place = tuple[str, int]
#: Offsets at which the messages of a topic's partition are cut.
Cuts = Callable[[Place, int], Sequence[int]]


@cache
def packaged_chain() -> Chain:
    """The transforms of the packaged configuration."""
    return make_chain(load_config(None))


class FakeRuns:
    """Runs of the packaged job over a lake in memory, one after the other.

    Args:
        bucket: Where the objects are.
        key: The masking key.
        key_version: Its version.
        link_key: The root of links.
    """

    def __init__(
        self,
        bucket: FakeBucket,
        *,
        key: str = MASKING_KEY,
        key_version: int = 1,
        link_key: str = MASKING_KEY,
    ) -> None:
        self.bucket = bucket
        self._chain = packaged_chain()
        masks = replace(self._chain.masks, key_version=key_version)
        self._masks = MaskPlan(masks, key, link_key)
        self._link_keys = partial(LinkKeys, link_key, domain=masks.domain)
        systems = {each.name: ("rxhub",) for each in packaged_datasets()}
        self._limits = LimitPlan(self._chain.limits, systems)
        self._writers = WriterSchemas(open_registry("package:"), 0.0)
        self._sink = SegmentWriter(_layouts(), (_sealing(), *self._chain.aggregates), "test/1")

    def run(self, messages: Iterable[Message], cuts: Cuts) -> None:
        """Drains messages, those of references first."""
        referred = self._chain.reference_datasets
        by_place: dict[Place, list[Message]] = {}
        for message in messages:
            by_place.setdefault((message.topic, message.partition), []).append(message)
        topics = {each.topic: each for each in packaged_datasets()}
        order = sorted(by_place, key=lambda place: topics[place[0]].name not in referred)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loading, "ObjectStore", lambda root, _: self.bucket.store(root))
            for _, places in itertools.groupby(order, lambda p: topics[p[0]].name not in referred):
                transform = self._transform()
                for place in places:
                    self._drain(topics[place[0]], by_place[place], cuts, transform)

    def _drain(
        self,
        dataset: Dataset,
        messages: Sequence[Message],
        cuts: Cuts,
        transform: Callable[[Segment], Segment],
    ) -> None:
        contract = TopicContract(topic=dataset.topic, dataset=dataset.name, reader=dataset.reader)
        plan = SchemaPlan(contract, self._writers)
        owner = PartitionId(dataset.topic, "id", messages[0].partition)
        lane = new_lane(born(self.bucket, messages[0].offset, owner), owner)
        lane.begin(messages[0].offset)
        for segment in _segments(owner, messages, cuts):
            self._sink.write(lane, transform(enforce(segment, plan)))

    def _transform(self) -> Callable[[Segment], Segment]:
        """What messages go through, with the references as they are committed now."""
        rules = self._chain.rules
        store = self.bucket.store(ROOT)
        references = References(
            rules.references,
            lake_root=ROOT,
            pinned=snapshot(store, self._chain.reference_datasets),
            schemas=self._chain.schemas,
            link_keys=self._link_keys,
        )
        systems = dict.fromkeys(rules.datasets, ("rxhub",))
        config = ValidateConfig(rules=rules, references=references, source_systems=systems)
        plans = RulePlans(config.rules, config.references, config.source_systems)
        engine = references.engine()

        def transform(segment: Segment) -> Segment:
            segment = validate(segment, plans)
            for step in self._chain.steps:
                if step.dataset in segment.rows:
                    parsed = [engine.parse(sql) for sql in step.expressions.values()]
                    joins = references.view().joins(step.dataset, parsed)
                    segment = derive(segment, step, engine, joins)
            return enforce_limits(mask(segment, self._masks), self._limits)

        return transform

    def store(self) -> ObjectStore:
        """The lake's objects."""
        return self.bucket.store(ROOT)

    def commits(self) -> list[SegmentCommit]:
        """All segment commits."""
        store = self.store()
        return [tail.commit for tail in commits(store, require_lake(store))]

    def rows(self, dataset: str) -> pa.Table:
        """A dataset's committed rows; a table without columns if there are none."""
        store = self.store()
        tables = [
            pq.read_table(pa.BufferReader(store.get(file.key))).replace_schema_metadata()
            for commit in self.commits()
            for file in commit.files
            if file.dataset == dataset
        ]
        return pa.concat_tables(tables).unify_dictionaries() if tables else pa.table({})

    def totals(self, aggregate: str) -> list[dict[str, Any]]:
        """An aggregate's totals, row by row."""
        merged = merge_committed(self.store(), aggregate)
        return read_totals(merged).to_pylist() if merged.num_columns else []


def counted_rules(made: Iterable[SegmentCommit]) -> Counter[tuple[str, str]]:
    """Findings by rule and source system, as commits count them."""
    counts: Counter[tuple[str, str]] = Counter()
    for commit in made:
        for rule, by_source in commit.rules.items():
            counts.update({(rule, source): count for source, count in by_source.items()})
    return counts


def _layouts() -> Mapping[str, DatasetLayout]:
    return {each.name: DatasetLayout(event_time=each.event_time) for each in packaged_datasets()}


def _sealing() -> SealDeadLetters:
    sealing = SealDeadLetters("env:UNUSED")
    sealing._seal = Seal("11" * 32)
    return sealing


def _segments(owner: PartitionId, messages: Sequence[Message], cuts: Cuts) -> Iterator[Segment]:
    place, first, end = (owner.topic, owner.partition), messages[0].offset, messages[-1].offset + 1
    inner = sorted({cut for cut in cuts(place, end) if first < cut < end})
    for start, stop in itertools.pairwise([first, *inner, end]):
        held = [message for message in messages if start <= message.offset < stop]
        yield Segment(
            topic=owner.topic,
            topic_id=owner.topic_id,
            partition=owner.partition,
            start=start,
            end=stop,
            messages=_table(held),
        )


def _table(messages: Sequence[Message]) -> pa.Table:
    return pa.table(
        [
            pa.array([m.offset for m in messages], pa.int64()),
            pa.array([m.timestamp_ms for m in messages], pa.timestamp("ms", "UTC")),
            pa.array([m.key for m in messages], pa.binary()),
            pa.array([m.value for m in messages], pa.binary()),
            pa.nulls(len(messages), HEADERS_TYPE),
        ],
        schema=MESSAGES_SCHEMA,
    )


__all__ = ["LAKE_ID", "MASKING_KEY", "FakeRuns", "counted_rules", "packaged_chain"]
