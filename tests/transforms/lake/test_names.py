"""Keys say what they are, and are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.lake.names import SIDECAR, DataName, PartitionId, data_key, parse_data_key

TOPICS = st.from_regex(r"[a-zA-Z0-9._-]{1,40}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True)
OFFSETS = st.integers(0, 2**63 - 1)


@given(TOPICS, IDS, st.integers(0, 9999), OFFSETS, OFFSETS, st.binary(min_size=32, max_size=32))
def test_a_data_key_is_read_back_whatever_dots_the_topic_has(
    topic, topic_id, partition, start, end, sha256
):
    owner = PartitionId(topic, topic_id, partition)
    key = data_key(owner, "events", "event_date=2026-01-31", start, end, sha256.hex())
    assert parse_data_key(key) == DataName(owner, start, end, sha256.hex()[:16])


def test_a_sidecar_has_no_partition_folder():
    owner = PartitionId("a.b", "id", 3)
    key = data_key(owner, SIDECAR, "", 1, 2, "0" * 64)
    assert key == "data/_sidecar/a.b.id.3.1-2.0000000000000000.parquet"


@pytest.mark.parametrize(
    "key",
    [
        "data/events/part-0000.parquet",
        "data/events/t.id.0.1-2.0000.parquet",
        "data/events/t.id.0.1-2.0000000000000000.parquet.tmp",
        "_commits/t.id.0.1-2.0000000000000000.parquet",
        "data/events/t.id.x.1-2.0000000000000000.parquet",
    ],
)
def test_a_file_of_somebody_else_is_not_taken_for_ours(key):
    assert parse_data_key(key) is None


def test_commit_keys_sort_as_their_numbers():
    owner = PartitionId("t", "id", 0)
    numbers = [0, 1, 9, 10, 2**63 - 1]
    keys = [owner.commit_key(number) for number in numbers]
    assert keys == sorted(keys)
    assert keys[1] == "_commits/t/id/0/00000000000000000001.json"
