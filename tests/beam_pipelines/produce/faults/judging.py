"""What the packaged rules say of the stream's messages."""

import functools
from collections.abc import Callable

import pyarrow as pa

from beam_pipelines.produce import TOPICS, Chunk, Fate, generate
from beam_pipelines.produce.faults.deaths import KIND as DEATH
from beam_pipelines.produce.planting import Planting
from schemas import open_registry, packaged_dataset
from tests.beam_pipelines.pharmacy.rule_rows import columns, plan, tripped
from transforms.avro.enforce import SchemaPlan, TopicContract, enforce
from transforms.avro.registry import WriterSchemas
from transforms.segment import HEADERS_TYPE, MESSAGES_SCHEMA, Segment

REFERENCES = ("drug_ref", "prescriber_ref", "pharmacy_ref")
PATIENTS = "patient_update"

Rules = tuple[str, ...]


@functools.cache
def stream() -> list[Chunk]:
    # Enough prescribers that one of them is deactivated.
    return [c for c in generate(5, 26_000, "default") if c.fate is not Fate.ABORTED]


def rows_of(dataset: str, values: list[bytes], stamps: list[int]) -> pa.Table:
    contract = packaged_dataset(dataset)
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
    made = Segment(topic="t", topic_id="i", partition=0, start=0, end=len(values), messages=table)
    known = TopicContract(topic="t", dataset=dataset, reader=contract.reader)
    done = enforce(made, SchemaPlan(known, WriterSchemas(open_registry("package:"), 0.0)))
    assert done.disposed.num_rows == 0
    return done.rows[dataset]


@functools.cache
def references() -> dict[str, pa.Table]:
    """The snapshot that comes first, each reference once; and the deaths that are planted."""
    deaths = planted(PATIENTS, lambda planting: planting.kind == DEATH)
    found = {PATIENTS: _plain(PATIENTS, *deaths[1:])}
    for topic in TOPICS:
        if topic.dataset in REFERENCES:
            chunk = next(c for c in generate(5, 26_000, "none") if c.topic == topic.name)
            found[topic.dataset] = _plain(topic.dataset, chunk.values, chunk.timestamps_ms)
    return found


def _plain(dataset: str, values: list[bytes], stamps: list[int]) -> pa.Table:
    table = rows_of(dataset, values, stamps)
    return table.drop_columns([name for name in table.column_names if name[0] == "_"])


def planted(
    dataset: str, wanted: Callable[[Planting], bool]
) -> tuple[list[Planting], list[bytes], list[int]]:
    """The plantings that are wanted in a dataset, their messages and broker times."""
    (topic,) = [topic for topic in TOPICS if topic.dataset == dataset]
    plantings, values, stamps = [], [], []
    for chunk in stream():
        for row, planting in chunk.planted.items():
            if chunk.topic == topic.name and wanted(planting):
                plantings.append(planting)
                values.append(chunk.values[row])
                stamps.append(chunk.timestamps_ms[row])
    return plantings, values, stamps


def judged(dataset: str, wanted: Callable[[Planting], bool]) -> tuple[list[Planting], list[Rules]]:
    """The plantings that are wanted in a dataset, and the rules that their messages trip."""
    plantings, values, stamps = planted(dataset, wanted)
    table = rows_of(dataset, values, stamps).select(columns(dataset).names)
    found = tripped(plan(dataset, references()), table)
    return plantings, [tuple(sorted(each)) for each in found]
