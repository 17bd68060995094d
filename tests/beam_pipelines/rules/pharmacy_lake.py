"""Dispense events judged by rules on their way to a lake in memory, beside a drug file."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import numpy as np
import pyarrow as pa

from beam_pipelines.produce import events_of_one_schema
from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from schemas.registries import open_registry
from tests.fakes.lake import writer as sealing_writer
from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import InlinePool, born
from transforms.avro.enforce import LINEAGE, SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.lake import CommitChain, DatasetLayout, PartitionId
from transforms.lake.lanes import Lane
from transforms.lake.writer import SegmentWriter
from transforms.quality import RuleSet
from transforms.quality.rule_plans import RulePlans
from transforms.quality.validate import validate
from transforms.references import References
from transforms.segment import MESSAGES_SCHEMA, Segment

EVENTS = PartitionId("pharmacy.dispense", "DiSpEnSe_1", 0)
DRUGS = PartitionId("pharmacy.ref.drugs", "DrUgS_1", 0)
ROOT = "s3://bucket/lake"
LAYOUTS = {
    "dispense_event": DatasetLayout(event_time="event_time", source_systems=("rxhub",)),
    "drug_ref": DatasetLayout(event_time="effective_from"),
}
READ = datetime(2026, 11, 25, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@cache
def events(count=400) -> Segment:
    """Decoded events of the load generator."""
    dataset = packaged_dataset("dispense_event")
    contract = TopicContract(topic=EVENTS.topic, dataset=dataset.name, reader=dataset.reader)
    plan = SchemaPlan(contract, WriterSchemas(open_registry("package:"), 1))
    return enforce(_segment(EVENTS, events_of_one_schema(count)), plan)


def drugs(codes) -> Segment:
    """One version of each drug, valid since long ago; a package holds 7."""
    columns = arrow_schema(packaged_dataset("drug_ref").reader)
    schema = pa.schema([*LINEAGE, *columns])
    count = len(codes)
    known = {
        "_topic": [DRUGS.topic] * count,
        "_topic_id": [DRUGS.topic_id] * count,
        "_partition": [0] * count,
        "_offset": list(range(count)),
        "_row": [0] * count,
        "_timestamp": [READ] * count,
        "_schema_id": ["1"] * count,
        "ndc11": codes,
        "package_size": [Decimal(7)] * count,
        "effective_from": [LONG_AGO] * count,
    }
    arrays = [
        _array(known[f.name], f.type) if f.name in known else pa.nulls(count, f.type)
        for f in schema
    ]
    loose = pa.schema([f.with_nullable(True) for f in schema])
    made = _segment(DRUGS, [b"drug"] * count)
    return Segment(**{**vars(made), "rows": {"drug_ref": pa.table(arrays, schema=loose)}})


def commit(bucket: FakeBucket, owner: PartitionId, segment: Segment) -> None:
    """Commits a segment; the first call makes the lake."""
    lane = Lane(CommitChain(born(bucket, owner=owner), owner, "lake-1"), InlinePool())
    lane.begin(0)
    SegmentWriter(LAYOUTS, sealing_writer()._derived, "test").write(lane, segment)


def judged(segment: Segment, rules: RuleSet, references: References) -> Segment:
    """Applies rules, as ``Validate`` does."""
    plans = RulePlans(rules, references, {"dispense_event": ("rxhub",)})
    return validate(segment, plans)


def _array(values, kind):
    dictionary = pa.types.is_dictionary(kind)
    return pa.array(values, kind.value_type if dictionary else kind).cast(kind)


def _segment(owner: PartitionId, values) -> Segment:
    count = len(values)
    arrays = {
        "offset": np.arange(count),
        "timestamp": [READ] * count,
        "key": [b"k"] * count,
        "value": values,
        "headers": [None] * count,
    }
    table = pa.table([pa.array(arrays[f.name], f.type) for f in MESSAGES_SCHEMA], MESSAGES_SCHEMA)
    return Segment(
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=0,
        start=0,
        end=count,
        messages=table,
    )
