"""Dead letters: exactly as they came, and sealed."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.segments import NOON, raw_segment, with_verdicts
from transforms.errors import PipelineError, SecretError
from transforms.quality import DEAD_LETTERS, SealDeadLetters, open_dead_letters
from transforms.quality.dead_letters import SCHEMA
from transforms.segment import (
    DEAD_LETTER,
    FILTERED,
    HEADERS_TYPE,
    MESSAGES_SCHEMA,
    PARKED,
    Segment,
)

KEY = "ab" * 32
BYTES = st.none() | st.binary(max_size=30)
HEADERS = st.none() | st.lists(st.tuples(st.text(max_size=5), BYTES), max_size=3)


@pytest.fixture
def sealer(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    made = SealDeadLetters("env:TEST_KEY")
    made.setup()
    return made


def segment_of(messages) -> Segment:
    """A segment of ``(key, value, headers)``, all of them dead letters."""
    keys, values, headers = zip(*messages, strict=True)
    listed = [h if h is None else [{"key": k, "value": v} for k, v in h] for h in headers]
    count = len(messages)
    table = pa.table(
        [
            pa.array(range(count), pa.int64()),
            pa.array([NOON] * count, pa.timestamp("ms", "UTC")),
            pa.array(keys, pa.binary()),
            pa.array(values, pa.binary()),
            pa.array(listed, HEADERS_TYPE),
        ],
        schema=MESSAGES_SCHEMA,
    )
    made = replace(raw_segment(0, count), messages=table)
    return made.dispose(DEAD_LETTER, made.offsets, ["utf8"] * count)


def opened(table, key=KEY, **place):
    where = {"topic": "shop.events", "topic_id": "AbC-_123", "partition": 0, **place}
    return list(open_dead_letters(table, key, **where))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(BYTES, BYTES, HEADERS), min_size=1, max_size=5))
def test_they_open_byte_for_byte_and_none_is_not_empty(messages):
    sealer = SealDeadLetters("env:UNUSED")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNUSED", KEY)
        sealer.setup()
    back = opened(sealer.derive(segment_of(messages)))
    assert [(row["key"], row["value"], row["headers"]) for row in back] == messages


def test_dead_and_parked_messages_are_kept_with_place_and_fault(sealer):
    made = with_verdicts(raw_segment(0, 9), gone=[1])
    made = made.dispose(DEAD_LETTER, np.array([6]), ["utf8"], ["a.b"], ["17"])
    made = made.dispose(PARKED, np.array([2]), ["reference"])
    table = sealer.derive(made)
    assert table.schema == SCHEMA
    assert sealer.name == DEAD_LETTERS
    parked, dead = opened(table)
    assert (parked["offset"], parked["disposition"], parked["reason"]) == (2, PARKED, "reference")
    assert (dead["offset"], dead["field"], dead["schema_id"]) == (6, "a.b", "17")
    assert dead["timestamp_ms"] == NOON.replace(second=6).timestamp() * 1000
    assert (dead["key"], dead["value"]) == (b"key-6", b"value-6")
    assert dead["headers"] == [("h", b"6")]


@pytest.mark.parametrize("timestamp_ms", [-(2**62), 2**62])
def test_a_time_that_no_calendar_has_is_kept(sealer, timestamp_ms):
    segment = segment_of([(b"k", b"v", None)])
    stamps = pa.array([timestamp_ms], pa.timestamp("ms", "UTC"))
    strange = replace(segment, messages=segment.messages.set_column(1, "timestamp", stamps))

    letters = sealer.derive(strange)

    (letter,) = opened(letters)
    assert letter["timestamp_ms"] == timestamp_ms


def test_filtered_and_accepted_messages_are_not_kept(sealer):
    made = with_verdicts(raw_segment(0, 9), gone=[1, 2])
    assert set(made.disposed.column("disposition").to_pylist()) == {FILTERED}
    assert sealer.derive(made) == SCHEMA.empty_table()


def test_nothing_of_a_message_stands_in_clear(sealer):
    table = sealer.derive(segment_of([(b"MRN-4711", b"John Doe", [("PATIENT", b"diabetes")])]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    held = bytes(sink.getvalue())
    for secret in (b"MRN-4711", b"John Doe", b"PATIENT", b"diabetes", b"Sm9obiBEb2U"):
        assert secret not in held


def test_the_same_segment_gives_the_same_table(sealer):
    made = with_verdicts(raw_segment(0, 9), dead=[1, 2])
    assert sealer.derive(made) == sealer.derive(made)


def test_the_cut_of_the_segment_does_not_show(sealer):
    made = with_verdicts(raw_segment(0, 9), dead=[1, 5, 6])
    parts = [sealer.derive(made.slice(a, b)) for a, b in ((0, 4), (4, 6), (6, 9))]
    assert pa.concat_tables(parts) == sealer.derive(made)


@pytest.mark.parametrize(
    "place", [{"topic": "other"}, {"topic_id": "x"}, {"partition": 1}, {"key": "cd" * 32}]
)
def test_it_opens_only_at_its_own_place_and_with_its_key(sealer, place):
    table = sealer.derive(with_verdicts(raw_segment(0, 9), dead=[1]))
    with pytest.raises(SecretError):
        opened(table, **place)


def test_it_does_not_open_under_another_offset(sealer):
    table = sealer.derive(with_verdicts(raw_segment(0, 9), dead=[1]))
    moved = table.set_column(0, SCHEMA.field(0), pa.array([2], pa.int64()))
    with pytest.raises(SecretError):
        opened(moved)


def test_without_a_key_it_refuses_instead_of_dropping():
    with pytest.raises(PipelineError, match="setup"):
        SealDeadLetters("env:X").derive(with_verdicts(raw_segment(0, 9), dead=[1]))


def test_the_key_is_not_pickled(sealer):
    pickled = pickle.dumps(sealer)
    assert KEY.encode() not in pickled
    assert bytes.fromhex(KEY) not in pickled
    back = pickle.loads(pickled)
    back.setup()
    made = with_verdicts(raw_segment(0, 9), dead=[1])
    assert back.derive(made) == sealer.derive(made)
