"""What README.md shows runs as it stands."""

import io
import re
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest
from confluent_kafka import Producer

from beam_pipelines.pharmacy.cli import main
from beam_pipelines.produce import TOPICS, generate
from beam_pipelines.produce.client import KafkaTarget
from schemas.model import AvroSchema
from schemas.registries import open_registry
from tests.servers import make_topic
from transforms.lake import read_dataset

pytestmark = pytest.mark.integration

README = Path(__file__).parents[2] / "README.md"

SCHEMA = {
    "type": "record",
    "name": "Visit",
    "fields": [
        {"name": "clinic", "type": "string"},
        {"name": "visited_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ],
}


@pytest.fixture
def snippets(s3, monkeypatch):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEAD_LETTER_KEY", "0f" * 32)
    monkeypatch.setenv("MASKING_KEY", "0e" * 32)
    return re.findall(r"```(?:python|yaml)\n(.*?)```", README.read_text(), re.DOTALL)


def snippet(snippets, words):
    (found,) = [each for each in snippets if words in each]
    return found


def test_the_pipeline_of_ones_own_writes_what_the_reader_reads(
    kafka, lake_root, snippets, tmp_path
):
    registry = f"file:{tmp_path / 'registry'}"
    number = int(open_registry(registry).register("visits-value", AvroSchema.parse(SCHEMA)))
    make_topic(kafka, "visits", 2, {"retention.ms": "-1"})
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for i in range(300):
        body = io.BytesIO(b"\x00" + number.to_bytes(4, "big"))
        body.seek(5)
        visit = {"clinic": f"c{i % 7}", "visited_at": 1_700_000_000_000_000 + i}
        fastavro.schemaless_writer(body, fastavro.parse_schema(SCHEMA), visit)
        producer.produce("visits", body.getvalue(), partition=i % 2)
    producer.flush()

    names: dict[str, object] = {}
    exec(snippet(snippets, "def run("), names)
    names["run"](kafka.bootstrap_servers, lake_root, AvroSchema.parse(SCHEMA), registry)

    reading = snippet(snippets, "read_dataset(")
    exec(reading.replace("s3://bucket/prefix", lake_root), names)
    assert names["table"].num_rows == 300
    assert names["table"].column_names == ["_offset", "visited_at"]


def test_the_configuration_drains_and_its_totals_are_merged(kafka, lake_root, snippets, tmp_path):
    # Topics of its own: other tests count the messages of those that all know.
    config = snippet(snippets, "topics:").replace("topic: pharmacy.", "topic: readme.")
    (tmp_path / "config.yaml").write_text(config)
    (tmp_path / "rules.yaml").write_text(snippet(snippets, "rules:\n  - id"))
    _produce(kafka.bootstrap_servers, {"drug_ref", "dispense_event"})
    servers = f"--kafka_bootstrap_servers={kafka.bootstrap_servers}"
    drain = ["--mode=drain", servers, f"--lake_root={lake_root}", "--progress=off"]
    assert main([*drain, f"--config={tmp_path / 'config.yaml'}"]) == 0

    names: dict[str, object] = {}
    exec(snippet(snippets, "merge_totals(").replace("s3://bucket/prefix", lake_root), names)
    assert names["totals"].num_rows > 0
    assert {"window_start", "ndc11", "units", "patients"} <= set(names["totals"].column_names)
    rows = read_dataset(lake_root, "dispense_event").to_table()
    assert "sig_text" not in rows.column_names
    assert rows.column("patient_id")[0].as_py().startswith("v1:")


def _produce(servers: str, datasets: set[str]) -> None:
    own = {
        topic.name: replace(topic, name=topic.name.replace("pharmacy.", "readme.", 1))
        for topic in TOPICS
        if topic.dataset in datasets
    }
    target = KafkaTarget(servers, {}, transactional_id="readme")
    target.prepare(own.values(), create=True, replication=1)
    for chunk in generate(5, 3_000, topics=TOPICS):
        if chunk.topic in own:
            target.send(replace(chunk, topic=own[chunk.topic].name))
    target.finish()
