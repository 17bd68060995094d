from collections import Counter
from itertools import pairwise

import pytest

from beam_pipelines.produce import TOPICS, Chunk, Fate, generate
from beam_pipelines.produce.faults import MALFORMED

COMPACTED = {topic.name for topic in TOPICS if topic.compacted}


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    return list(generate(3, 8_000, "default"))


def planted(chunks: list[Chunk]):
    for chunk in chunks:
        for row, planting in chunk.planted.items():
            yield chunk, row, planting.kind


def test_every_kind_of_fault_is_planted(chunks):
    kinds = {kind for _, _, kind in planted(chunks)}
    others = {"duplicate", "tombstone", "repeated_key", "null_key", "headers"}
    canaries = {"canary", "canary_malformed", "canary_key", "canary_header"}
    assert kinds == MALFORMED.keys() | others | canaries | {"rule", "death"}


def test_faults_stay_rare(chunks):
    counts = Counter(kind for _, _, kind in planted(chunks))
    assert sum(counts[kind] for kind in MALFORMED) < 80
    assert counts["duplicate"] < 60


def test_a_duplicate_repeats_a_message_of_its_partition_to_the_byte(chunks):
    seen = {}
    for chunk in chunks:
        if chunk.fate is Fate.ABORTED:
            continue
        for row, value in enumerate(chunk.values):
            place = chunk.topic, chunk.partitions[row], value
            if row in chunk.planted and chunk.planted[row].kind in ("duplicate", "repeated_key"):
                assert place in seen
            seen[place] = row


def test_tombstones_are_null_values_with_a_key(chunks):
    found = [(c.topic, c.keys[r], c.values[r]) for c, r, kind in planted(chunks)
             if kind == "tombstone"]  # fmt: skip
    assert found
    assert all(key is not None and value is None for _, key, value in found)
    assert {topic for topic, _, _ in found} <= COMPACTED | {"pharmacy.patients"}


def test_compacted_topics_have_a_key_on_every_message(chunks):
    keys = [key for chunk in chunks if chunk.topic in COMPACTED for key in chunk.keys]
    assert keys
    assert None not in keys


def test_headers_hold_nulls_repeated_names_and_binary_data(chunks):
    chunk, row, _ = next(p for p in planted(chunks) if p[2] == "headers")
    names = [name for name, _ in chunk.headers[row]]
    assert names.count("hop") == 2
    assert dict(chunk.headers[row])["reply-to"] is None
    assert dict(chunk.headers[row])["note"] == b""


def test_an_aborted_transaction_is_tried_again_and_committed(chunks):
    fates = Counter(chunk.fate for chunk in chunks)
    assert fates[Fate.ABORTED] == fates[Fate.COMMITTED] > 0
    for first, second in pairwise(chunks):
        if first.fate is Fate.ABORTED:
            assert second.fate is Fate.COMMITTED
            assert second.values[: len(first)] == first.values
            assert first.planted == {}
