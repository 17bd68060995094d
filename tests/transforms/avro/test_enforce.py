"""Messages -> rows or dead letters, each by itself."""

import io
import itertools
import json
from dataclasses import replace
from datetime import timedelta

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RegistryUnavailableError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.wire import WireFormat, frame
from tests.transforms.segments import NOON, raw_segment
from transforms.avro import LINEAGE, TopicContract
from transforms.avro.enforce import SchemaPlan, enforce
from transforms.avro.registry import WriterSchemas
from transforms.errors import RetryableError
from transforms.segment import (
    DEAD_LETTER,
    FILTERED,
    HEADERS_TYPE,
    MESSAGES_SCHEMA,
    Segment,
    join,
)


def record(*fields):
    return {"type": "record", "name": "Event", "namespace": "shop", "fields": list(fields)}


NAME = {"name": "name", "type": "string"}
COUNT = {"name": "count", "type": ["null", "long"], "default": None}
KIND = {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}}

V1 = record(NAME, KIND)
V2 = record(KIND, NAME, COUNT, {"name": "extra", "type": "string"})
READER = AvroSchema.parse(json.dumps(record(NAME, COUNT, KIND)))
FOREIGN = record({"name": "count", "type": "string"})
WRITERS = {"1": V1, "2": V2, "3": FOREIGN}


class Registry:
    """A registry of ``WRITERS``."""

    down = False

    def schema_by_id(self, schema_id):
        if self.down:
            raise RegistryUnavailableError("registry", "down")
        if schema_id not in WRITERS:
            raise UnknownSchemaError(schema_id)
        return AvroSchema.parse(json.dumps(WRITERS[schema_id]))


def plan(registry=None) -> SchemaPlan:
    # A clock far behind all messages: unknown ids are unknown at once.
    writers = WriterSchemas(
        registry or Registry(), 0.0, now=lambda: NOON.timestamp() + 10**6, sleep=lambda _: None
    )
    return SchemaPlan(TopicContract(topic="t", dataset="events", reader=READER), writers)


def datum(schema_id, value):
    sink = io.BytesIO()
    fastavro.schemaless_writer(sink, fastavro.parse_schema(WRITERS[schema_id]), value)
    return sink.getvalue()


def good(schema_id, n):
    value = {"name": f"n{n}", "kind": "AB"[n % 2], "count": n, "extra": "x" * (n % 5)}
    return frame(schema_id, datum(schema_id, value), WireFormat.CONFLUENT)


def segment_of(values, start=0) -> Segment:
    count = len(values)
    stamps = [NOON + timedelta(seconds=n) for n in range(count)]
    table = pa.table(
        [
            pa.array(range(start, start + count), pa.int64()),
            pa.array(stamps, pa.timestamp("ms", "UTC")),
            pa.array([None] * count, pa.binary()),
            pa.array(values, pa.binary()),
            pa.nulls(count, HEADERS_TYPE),
        ],
        schema=MESSAGES_SCHEMA,
    )
    return replace(raw_segment(start, start + count), messages=table)


def enforced(values, start=0) -> Segment:
    made = enforce(segment_of(values, start), plan())
    made.check()
    return made


def disposed(made):
    return [tuple(row.values()) for row in made.disposed.to_pylist()]


class TestRows:
    def test_lineage_comes_first_and_says_where_each_row_is_from(self):
        made = enforced([good("1", 0), None, good("1", 2)], start=10)
        table = made.rows["events"]
        assert table.schema.names == [*LINEAGE.names, "name", "count", "kind"]
        assert pa.schema(list(table.schema)[: len(LINEAGE)]) == LINEAGE
        first, second = table.select([*LINEAGE.names, "name"]).to_pylist()
        assert first == {
            "_topic": "shop.events",
            "_topic_id": "AbC-_123",
            "_partition": 0,
            "_offset": 10,
            "_row": 0,
            "_timestamp": NOON,
            "_schema_id": "1",
            "name": "n0",
        }
        assert (second["_offset"], second["_timestamp"]) == (12, NOON + timedelta(seconds=2))

    def test_mixed_writer_schemas_become_one_table_in_offset_order(self):
        values = [good("12"[n % 2], n) for n in range(9)]
        table = enforced(values).rows["events"]
        assert table.column("_offset").to_pylist() == list(range(9))
        assert table.column("name").to_pylist() == [f"n{n}" for n in range(9)]
        assert table.column("kind").to_pylist() == ["AB"[n % 2] for n in range(9)]
        assert table.column("count").to_pylist() == [n if n % 2 else None for n in range(9)]
        assert table.column("_schema_id").to_pylist() == ["12"[n % 2] for n in range(9)]

    def test_the_version_of_the_reader_is_recorded(self):
        made = enforced([good("1", 0)])
        assert made.versions == {"schema.events": f"{READER.fingerprint:016x}"}

    def test_nothing_good_makes_no_table(self):
        assert enforced([None, b"junk"]).rows == {}
        assert enforced([]).rows == {}

    def test_rows_of_other_datasets_stay(self):
        # Another transform may have brought them.
        made = replace(segment_of([good("1", 0)]), rows={"other": pa.table({"_offset": [0]})})
        assert set(enforce(made, plan()).rows) == {"other", "events"}


class TestDispositions:
    def test_a_tombstone_is_filtered(self):
        assert disposed(enforced([good("1", 0), None])) == [(1, FILTERED, "tombstone", "", None)]

    def test_an_empty_value_is_no_tombstone(self):
        assert disposed(enforced([b""])) == [(0, DEAD_LETTER, "empty_value", "", None)]

    def test_a_bad_header_has_no_schema_id(self):
        values = [b"\x01\x00\x00\x00\x01x", b"\x00\x00"]
        assert disposed(enforced(values)) == [
            (0, DEAD_LETTER, "bad_magic", "", None),
            (1, DEAD_LETTER, "short_header", "", None),
        ]

    def test_an_unknown_id_is_named(self):
        (row,) = disposed(enforced([frame("99", b"x", WireFormat.CONFLUENT)]))
        assert row == (0, DEAD_LETTER, "unknown_schema_id", "", "99")

    def test_a_writer_that_the_reader_cannot_read_is_a_dead_letter_with_its_id(self):
        foreign = frame("3", datum("3", {"count": "many"}), WireFormat.CONFLUENT)
        made = enforced([good("1", 0), foreign, good("2", 2)])
        assert disposed(made) == [(1, DEAD_LETTER, "incompatible_schema", "", "3")]
        assert made.accepted().tolist() == [0, 2]

    def test_a_damaged_datum_names_code_and_field_and_leaves_its_neighbours(self):
        values = [good("1", 0), good("1", 1)[:-1], good("1", 2) + b"!", good("1", 3)]
        made = enforced(values)
        assert disposed(made) == [
            (1, DEAD_LETTER, "truncated", "kind", "1"),
            (2, DEAD_LETTER, "trailing_bytes", "", "1"),
        ]
        assert made.rows["events"].column("name").to_pylist() == ["n0", "n3"]

    def test_messages_stay_as_they_came(self):
        values = [good("1", 0), b"junk", None]
        assert enforced(values).messages == segment_of(values).messages


class TestRegistry:
    def test_an_outage_is_raised_and_drops_nothing(self):
        registry = Registry()
        registry.down = True
        with pytest.raises(RetryableError):
            enforce(segment_of([good("1", 0)]), plan(registry))

    def test_an_id_that_becomes_known_is_decoded_by_the_same_plan(self, monkeypatch):
        kept = plan()
        late = [frame("7", datum("1", {"name": "n", "kind": "A"}), WireFormat.CONFLUENT)]
        assert disposed(enforce(segment_of(late), kept))[0][2] == "unknown_schema_id"
        monkeypatch.setitem(WRITERS, "7", V1)
        kept._writers._missed_ms.clear()
        assert enforce(segment_of(late), kept).disposed.num_rows == 0


MESSAGES = st.one_of(
    st.none(),
    st.integers(0, 50).map(lambda n: good("1", n)),
    st.integers(0, 50).map(lambda n: good("2", n)),
    st.builds(lambda n, cut: good("2", n)[:cut], st.integers(0, 50), st.integers(0, 20)),
    st.binary(max_size=12),
    st.just(frame("3", b"\x02x", WireFormat.CONFLUENT)),
    st.just(frame("99", b"", WireFormat.CONFLUENT)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=25), st.lists(st.integers(0, 25), max_size=3))
def test_the_verdict_does_not_depend_on_where_the_segment_was_cut(values, cuts):
    whole = enforced(values)
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    raw = segment_of(values)
    parts = [enforce(raw.slice(a, b), plan()) for a, b in itertools.pairwise(edges)]
    for part in parts:
        part.check()
    assert [d for part in parts for d in disposed(part)] == disposed(whole)
    held = [part.rows["events"].to_pylist() for part in parts if part.rows]
    assert list(itertools.chain(*held)) == [
        row for table in whole.rows.values() for row in table.to_pylist()
    ]


def test_cut_tables_can_be_joined_again():
    values = [good("12"[n % 2], n) for n in range(8)]
    parts = [enforced(values[:3]), enforced(values[3:], start=3)]
    joined = join(parts)
    joined.check()
    assert np.array_equal(joined.offsets, np.arange(8))
    assert joined.rows["events"].column("_schema_id").to_pylist() == ["12"[n % 2] for n in range(8)]
