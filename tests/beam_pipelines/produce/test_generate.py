import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from beam_pipelines.produce import TOPICS, Chunk, Fate, generate
from beam_pipelines.produce.manifest import Ledger
from beam_pipelines.produce.topics import topics_with


def fingerprint(chunks) -> str:
    """A digest of all that is produced, in its order, aborted transactions too."""
    digest = hashlib.sha256()
    for chunk in chunks:
        columns = (chunk.partitions, chunk.keys, chunk.values, chunk.timestamps_ms)
        digest.update(repr((chunk.topic, chunk.fate, columns)).encode())
        digest.update(repr((sorted(chunk.headers.items()), sorted(chunk.planted.items()))).encode())
    return digest.hexdigest()


def by_partition(chunks) -> dict[str, dict[str, dict]]:
    ledger = Ledger()
    for chunk in chunks:
        ledger.add(chunk)
    return ledger.topics()


def sound_messages(chunks: list[Chunk]) -> Counter:
    """Topic and value of what isn't planted, or only lost its key or got headers."""
    return Counter(
        (chunk.topic, value)
        for chunk in chunks
        if chunk.fate is not Fate.ABORTED
        for row, value in enumerate(chunk.values)
        if row not in chunk.planted or chunk.planted[row].kind in ("headers", "null_key")
    )


@pytest.mark.parametrize("faults", ["none", "default"])
def test_the_same_seed_gives_the_same_bytes(faults):
    assert fingerprint(generate(7, 4_000, faults)) == fingerprint(generate(7, 4_000, faults))
    assert by_partition(generate(7, 4_000, faults)) == by_partition(generate(7, 4_000, faults))


def test_another_process_gives_the_same_bytes():
    script = (
        "from beam_pipelines.produce import generate\n"
        "from tests.beam_pipelines.produce.test_generate import fingerprint\n"
        "print(fingerprint(generate(7, 500, 'default')))"
    )
    # Another hash seed: an order of a set or of str.hash() would show.
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == fingerprint(generate(7, 500, "default"))


def test_another_seed_or_day_gives_other_bytes():
    seen = {fingerprint(generate(s, 300, "none", d)) for s, d in ((1, 20528), (2, 20528), (1, 9))}
    assert len(seen) == 3


@pytest.mark.parametrize("events", [1, 30, 100, 5_000])
def test_exactly_the_events_asked_for_come(events):
    assert sum(len(chunk) for chunk in generate(3, events, "none")) == events


def test_planted_faults_leave_the_sound_messages_alone():
    sound = sound_messages(list(generate(11, 4_000, "none")))
    assert sound_messages(list(generate(11, 4_000, "default"))) == sound


def test_all_topics_and_partitions_get_messages():
    found = by_partition(generate(1, 20_000, "none"))
    assert {name: len(partitions) for name, partitions in found.items()} == {
        topic.name: topic.partitions for topic in TOPICS
    }


def test_the_partitions_asked_for_are_kept_to():
    found = by_partition(generate(1, 2_000, "none", topics=topics_with(1)))
    assert all(list(partitions) == ["0"] for partitions in found.values())


def test_a_key_stays_in_its_partition_and_in_the_order_of_time():
    place: dict = {}
    last: dict = defaultdict(int)
    for chunk in generate(2, 5_000, "none"):
        for key, partition, time in zip(
            chunk.keys, chunk.partitions, chunk.timestamps_ms, strict=True
        ):
            assert place.setdefault((chunk.topic, key), partition) == partition
            assert last[chunk.topic, partition] <= time + 1_000
            last[chunk.topic, partition] = max(last[chunk.topic, partition], time)


def test_references_come_before_what_refers_to_them():
    order = [chunk.topic for chunk in generate(1, 2_000, "none")]
    assert order[:3] == [topic.name for topic in TOPICS if topic.compacted]


def test_chunks_are_bounded():
    assert max(len(chunk) for chunk in generate(1, 70_000, "none")) <= 50_000
