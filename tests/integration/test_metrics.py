"""Metrics of a drain on the real servers are what the commit log says, and hold no value."""

import re
from collections import Counter
from dataclasses import replace
from functools import partial

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from runners.local._ports import free_ports
from tests.faults.lakes import wait_until
from tests.figures import counters, distributions, gauges
from tests.integration.small import confluent, send
from tests.launcher import DEAD_LETTER_KEY
from tests.scrapes import scraped
from transforms.lake import open_lake
from transforms.metrics import (
    CATALOG,
    COMMITTED_BYTES,
    COMMITTED_MESSAGES,
    COMMITTED_SEGMENTS,
    COMMITTED_TIMESTAMP_SECONDS,
    FRESHNESS_SECONDS,
    LAG_OFFSETS,
    READ_MESSAGES,
)

pytestmark = pytest.mark.integration

#: Two more processes import Beam, on a machine that does everything else as well.
START_S = 400
#: A text of a message that is in no name.
CANARY = b"Wilhelmina Featherstonehaugh"
PARTITIONS = 2


@pytest.fixture
def lake(make_lake, topic_factory, kafka):
    """A lake of some segments, of a topic with good messages, dead letters and tombstones."""
    topic = topic_factory(PARTITIONS)
    for partition in range(PARTITIONS):
        values = [*confluent(range(95)), CANARY, b"\x00\x00", None, None, None]
        send(kafka, topic, values, partition)
    return make_lake(topic, segment={"messages": 40})


def committed(lake):
    """What the commit log says, by the names of metrics and as their labels have it."""
    found = Counter()
    for commit in lake.commits():
        if not commit.seq:
            continue
        where = f"{commit.topic}/{commit.partition}"
        found[COMMITTED_SEGMENTS.name, where] += 1
        found[COMMITTED_BYTES.name, where] += sum(file.bytes for file in commit.files)
        found[READ_MESSAGES.name, where] += commit.messages
        for disposition, reasons in commit.dispositions.items():
            count = sum(reasons.values())
            found[COMMITTED_MESSAGES.name, f"{where}/{disposition}"] += count
    return found


def topic_of(logged):
    """The only topic."""
    (topic,) = {where.partition("/")[0] for _, where in logged}
    return topic


@pytest.mark.usefixtures("strays")
def test_beam_s_metrics_equal_the_commit_log(lake, monkeypatch):
    for name, value in {**lake.s3.environ(), "DEAD_LETTER_KEY": DEAD_LETTER_KEY}.items():
        monkeypatch.setenv(name, value)
    servers = lake.kafka.bootstrap_servers
    job = PharmacyJob(
        config=load_config(lake.config), bootstrap_servers=servers, lake_root=lake.root
    )
    open_lake(lake.store, job.lake())
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    build(pipeline, job)
    result = pipeline.run()
    result.wait_until_finish()

    logged = committed(lake)
    told = (COMMITTED_SEGMENTS, COMMITTED_BYTES, READ_MESSAGES, COMMITTED_MESSAGES)
    assert {
        (metric.name, labels): count
        for metric in told
        for labels, count in counters(result, metric).items()
    } == logged
    topic = topic_of(logged)
    places = {f"{topic}/{partition}" for partition in range(PARTITIONS)}
    assert logged[COMMITTED_MESSAGES.name, f"{topic}/0/accepted"] == 95
    assert logged[COMMITTED_MESSAGES.name, f"{topic}/0/dead_letter"] == 2
    assert gauges(result, LAG_OFFSETS) == dict.fromkeys(places, 0)
    newest = gauges(result, COMMITTED_TIMESTAMP_SECONDS)
    assert newest.keys() == places
    segments = sum(logged[COMMITTED_SEGMENTS.name, place] for place in places)
    assert distributions(result, FRESHNESS_SECONDS) == {topic: segments}


def test_prometheus_sees_all_workers_and_no_value(lake, tmp_path):
    (port,) = free_ports(1)
    let_go = tmp_path / "let-go"
    waiting = replace(lake, environ={"LINGER_UNTIL": str(let_go)})
    run = waiting.start(
        *(f"--metrics_port={port}", "--direct_num_workers=2"),
        before="tests.integration.lingering:linger",
    )
    wait_until(partial(_is_served, run, let_go), START_S)
    found = scraped(port)
    let_go.write_text("")
    assert run.wait().code == 0

    told = {
        (name.removeprefix("pharmabeam_").removesuffix("_total"), _flat(dict(labels))): value
        for (name, labels), value in found.items()
    }
    logged = committed(lake)
    assert {place: told[place] for place in logged} == logged
    names = {metric.name: metric for metric in CATALOG}
    for name, labels in found:
        metric = names[re.sub(r"^pharmabeam_|(_total|_count|_sum|_bucket)$", "", name)]
        assert {key for key, _ in labels} - {"le"} == set(metric.labels)
    values = {value for _, labels in found for key, value in labels if key != "le"}
    assert values <= {
        topic_of(logged),
        "0",
        "1",
        "accepted",
        "dead_letter",
        "filtered",
        "s3",
        "kafka",
    }


def _is_served(run, let_go):
    assert not run.has_ended(), run.wait()
    return let_go.with_suffix(".reached").exists()


def _flat(labels):
    order = [key for key in ("topic", "partition", "disposition") if key in labels]
    return "/".join(labels[key] for key in order)
