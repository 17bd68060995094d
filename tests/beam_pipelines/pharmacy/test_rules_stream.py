"""The packaged rules over a sound stream of the load generator."""

import functools
from collections import Counter

import pyarrow as pa
import pytest

from beam_pipelines.produce.generate import generate
from schemas import open_registry, packaged_datasets
from tests.beam_pipelines.pharmacy.rule_rows import columns, packaged_rules, plan, tripped
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA, Segment

EVENTS = 12_000
DATASETS = ("dispense_event", "inventory_movement", "patient_update")


def _segment(topic, values, stamps):
    table = pa.table(
        [
            pa.array(range(len(values)), pa.int64()),
            pa.array(stamps, pa.timestamp("ms", "UTC")),
            pa.nulls(len(values), pa.binary()),
            pa.array(values, pa.binary()),
            pa.nulls(len(values), HEADERS_TYPE),
        ],
        schema=MESSAGES_SCHEMA,
    )
    return Segment(topic=topic, topic_id="t", partition=0, start=0, end=len(values), messages=table)


@functools.cache
def stream():
    """A sound stream's rows by dataset."""
    held = {dataset.topic: ([], []) for dataset in packaged_datasets()}
    for chunk in generate(11, EVENTS, "none"):
        values, stamps = held[chunk.topic]
        values.extend(chunk.values)
        stamps.extend(chunk.timestamps_ms)
    writers = WriterSchemas(open_registry("package:"), 0.0)
    rows = {}
    for dataset in packaged_datasets():
        contract = TopicContract(topic=dataset.topic, dataset=dataset.name, reader=dataset.reader)
        done = enforce(_segment(dataset.topic, *held[dataset.topic]), SchemaPlan(contract, writers))
        assert done.disposed.num_rows == 0
        rows[dataset.name] = done.rows[dataset.name]
    return rows


@functools.cache
def counts(dataset):
    """How many rows trip each rule; what fails on a row has an ``!``."""
    rows = stream()
    references = {
        name: rows[name].drop_columns([c for c in rows[name].column_names if c[0] == "_"])
        for name in ("drug_ref", "prescriber_ref", "pharmacy_ref", "patient_update")
    }
    table = rows[dataset].select(columns(dataset).names)
    found = tripped(plan(dataset, references), table)
    return Counter(rule for row in found for rule in row)


@pytest.mark.parametrize("dataset", DATASETS)
class TestSoundStream:
    def test_no_row_is_rejected_or_can_not_be_judged(self, dataset):
        rejecting = {rule.id for rule in packaged_rules().of(dataset) if rule.severity == "error"}
        assert not {r: n for r, n in counts(dataset).items() if r in rejecting or "!" in r}

    def test_warnings_are_rare(self, dataset):
        rows = stream()[dataset].num_rows
        assert rows > 500
        assert sum(counts(dataset).values()) < 0.03 * rows
