"""Against a real broker: what the manifest says is what a consumer finds."""

import hashlib
import json
from collections import Counter

import pytest
from confluent_kafka.admin import AdminClient

from beam_pipelines.produce import TOPICS
from beam_pipelines.produce.cli import main
from beam_pipelines.produce.manifest import message_bytes
from tests.oracle import (
    committed_ends,
    earliest_starts,
    expected_of,
    read_committed,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(kafka):
    """A broker without the stream's topics, before and after."""
    _delete_topics(kafka.bootstrap_servers)
    yield kafka.bootstrap_servers
    _delete_topics(kafka.bootstrap_servers)


def _delete_topics(broker: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 3})
    there = admin.list_topics(timeout=30).topics.keys() & {topic.name for topic in TOPICS}
    for future in (admin.delete_topics(list(there)) if there else {}).values():
        future.result(30)


def _messages(broker: str, topic: str):
    starts, ends = earliest_starts(broker, topic), committed_ends(broker, topic)
    return list(read_committed(broker, topic, starts, ends)), ends


def test_the_manifest_is_what_a_consumer_reads(broker, tmp_path, capfd):
    path = tmp_path / "manifest.json"
    argv = ["--kafka_bootstrap_servers", broker, "--events", "20000", "--seed", "3"]
    assert main([*argv, "--faults", "default", "--manifest", str(path)]) == 0
    assert capfd.readouterr().err.count("\n") == 1
    manifest = json.loads(path.read_text())
    assert manifest["topics"].keys() == {topic.name for topic in TOPICS}
    for topic, partitions in manifest["topics"].items():
        messages, ends = _messages(broker, topic)
        _assert_partitions_hold(partitions, messages)
        _assert_planted_are_there(manifest, topic, messages)
        _assert_canaries_are_there(manifest, topic, messages)
        _assert_transactions_are_there(manifest, topic, messages, ends)


def _assert_partitions_hold(partitions, messages) -> None:
    for number, told in partitions.items():
        mine = [m for m in messages if m.partition == int(number)]
        framed = (message_bytes(m.key, m.value, m.timestamp_ms, list(m.headers)) for m in mine)
        assert len(mine) == told["committed"]
        assert hashlib.sha256(b"".join(framed)).hexdigest() == told["sha256"]


def _assert_planted_are_there(manifest, topic, messages) -> None:
    expected = expected_of(topic, messages)
    found = {(m.partition, m.offset): m for m in messages}
    dead = Counter()
    for planted in (p for p in manifest["planted"] if p["topic"] == topic):
        place = planted["partition"], planted["offset"]
        dead[expected.verdicts[place].disposition] += 1
        if planted["kind"] == "tombstone":
            assert found[place].value is None
        if planted["kind"] == "null_key":
            assert found[place].key is None
        assert bool(found[place].headers) == (planted["kind"] in ("headers", "canary_header"))
    for disposition in ("dead_letter", "filtered"):
        assert expected.counts.get(disposition, 0) == dead[disposition]


def _assert_canaries_are_there(manifest, topic, messages) -> None:
    told = [canary for canary in manifest["canaries"] if canary["topic"] == topic]
    assert bool(told) == (topic in ("pharmacy.dispense", "pharmacy.patients"))
    found = {(m.partition, m.offset): m for m in messages}
    for canary in told:
        message = found[canary["partition"], canary["offset"]]
        where = {"(key)": message.key, "(header)": b"".join(v or b"" for _, v in message.headers)}
        assert canary["text"].encode() in where.get(canary["field"], message.value)


def _assert_transactions_are_there(manifest, topic, messages, ends) -> None:
    offsets = {(m.partition, m.offset) for m in messages}
    markers = Counter()
    for told in (t for t in manifest["transactions"] if t["topic"] == topic):
        for partition, (first, last) in told["ranges"].items():
            inside = {(int(partition), offset) for offset in range(first, last + 1)}
            assert inside.isdisjoint(offsets) == (told["outcome"] == "aborted")
            markers[int(partition)] += 1
    # A marker takes an offset of its own. Which one is the broker's affair: it writes markers
    # after it has answered, so messages that no transaction holds may come first.
    read = Counter(m.partition for m in messages)
    for partition, told in manifest["topics"][topic].items():
        taken = read[int(partition)] + told["aborted"] + markers[int(partition)]
        assert taken == ends[int(partition)]


def test_a_missing_topic_is_refused_when_topics_are_not_to_be_created(broker, capfd):
    argv = ["--kafka_bootstrap_servers", broker, "--events", "10", "--no-create_topics"]
    assert main(argv) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1
    assert "topic pharmacy.dispense does not exist" in errors


def test_a_topic_with_too_few_partitions_is_refused(broker, capfd):
    argv = ["--kafka_bootstrap_servers", broker, "--events", "50"]
    assert main([*argv, "--partitions", "1"]) == 0
    assert main(argv) == 2
    assert "has 1 partitions, not 6" in capfd.readouterr().err
