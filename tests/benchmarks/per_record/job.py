"""The pipeline."""

import argparse
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import apache_beam as beam
import fastavro
from apache_beam.io.parquetio import WriteToParquet
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from confluent_kafka import Consumer, TopicPartition

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from tests.benchmarks.per_record.columns import derived
from tests.benchmarks.per_record.masks import masked, masked_types
from tests.benchmarks.per_record.rules import tripped

#: What rules look up: name -> (topic, dataset, key).
_REFERENCES: Final = {
    "drug": ("pharmacy.ref.drugs", "drug_ref", "ndc11"),
    "prescriber": ("pharmacy.ref.prescribers", "prescriber_ref", "npi"),
    "pharmacy": ("pharmacy.ref.pharmacies", "pharmacy_ref", "pharmacy_ncpdp_id"),
}
_DATASET: Final = "dispense_event"
_HEADER_BYTES: Final = 5

Row = dict[str, Any]


def main() -> None:
    """Runs the pipeline over what the topic holds; prints the number of rows as JSON."""
    parser = argparse.ArgumentParser(prog="per_record")
    parser.add_argument("--servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--out", required=True)
    known, beam_flags = parser.parse_known_args()
    partitions = range(_partitions(known.servers, known.topic))
    schema = masked_types(arrow_schema(packaged_dataset(_DATASET).reader))
    options = PipelineOptions([*beam_flags, "--runner=FnApiRunner"])
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | "Partitions" >> beam.Create(partitions)
        | "Read" >> beam.ParDo(_ReadFn(known.servers, known.topic))
        | "Decode" >> beam.ParDo(_DecodeFn())
        | "Judge" >> beam.ParDo(_JudgeFn(known.servers))
        | "Mask" >> beam.Map(masked)
        | "Write"
        >> WriteToParquet(
            known.out, schema, codec="zstd", num_shards=1, use_compliant_nested_type=True
        )
    )
    result = pipeline.run()
    result.wait_until_finish()
    (counter,) = result.metrics().query(_rows_filter())["counters"]
    print(json.dumps({"rows": counter.committed}))


class _ReadFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, servers: str, topic: str) -> None:
        self._servers = servers
        self._topic = topic

    def process(self, partition: int) -> Iterator[tuple[bytes, int]]:
        yield from messages(self._servers, self._topic, partition)


class _DecodeFn(beam.DoFn):  # type: ignore[misc]
    def setup(self) -> None:
        self._schema = fastavro.parse_schema(packaged_dataset(_DATASET).reader.json)

    def process(self, message: tuple[bytes, int]) -> Iterator[Row]:
        value, timestamp = message
        row: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEADER_BYTES:]), self._schema)
        row["event_id"] = str(row["event_id"])
        row["_timestamp"] = timestamp
        yield row


class _JudgeFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._rows = Metrics.counter("per_record", "rows")

    def setup(self) -> None:
        self._references = {
            name: _loaded(self._servers, *place) for name, place in _REFERENCES.items()
        }

    def process(self, row: Row) -> Iterator[Row]:
        found = self._references
        drug = found["drug"].get(row["ndc"])
        prescriber = found["prescriber"].get(row["prescriber_npi"])
        pharmacy = found["pharmacy"].get(row["pharmacy_ncpdp_id"])
        row["_warnings"] = tripped(row, drug, prescriber, pharmacy)
        row.update(derived(row, drug, pharmacy))
        self._rows.inc()
        yield row


def _loaded(servers: str, topic: str, dataset: str, key: str) -> Mapping[str, Row]:
    schema = fastavro.parse_schema(packaged_dataset(dataset).reader.json)
    rows: dict[str, Row] = {}
    for partition in range(_partitions(servers, topic)):
        for value, _ in messages(servers, topic, partition):
            row: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEADER_BYTES:]), schema)
            rows[row[key]] = row
    return rows


def messages(servers: str, topic: str, partition: int) -> Iterator[tuple[bytes, int]]:
    """Yields value and timestamp (ms) of what a partition holds now."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "per_record"})
    place = TopicPartition(topic, partition, 0)
    _, end = consumer.get_watermark_offsets(place)
    consumer.assign([place])
    left = end
    while left > 0:
        for message in consumer.consume(min(left, 1_000), 1.0):
            yield message.value() or b"", message.timestamp()[1]
            left -= 1
    consumer.close()


def _partitions(servers: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "per_record"})
    found = consumer.list_topics(topic, timeout=10).topics[topic]
    consumer.close()
    return len(found.partitions)


def _rows_filter() -> Any:
    return MetricsFilter().with_name("rows")
