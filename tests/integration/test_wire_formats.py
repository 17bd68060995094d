"""The three wire formats, each in a topic of its own, end to end."""

import json
import time
import zlib
from uuid import UUID

import pytest

from tests.faults.lakes import rows_of
from tests.integration.small import (
    DATASET,
    SCHEMA_ID,
    assert_holds_exactly,
    assert_proven,
    confluent,
    datum,
    logged,
    of_topic_ids,
    reader_schema,
    send,
)
from transforms.lake import read_small_tables

pytestmark = pytest.mark.integration

GLUE_ID = UUID("5b0e2a3c-1111-4c6d-9d5e-7a8b9c0d1e2f")
UNKNOWN_GLUE_ID = UUID("00000000-0000-4000-8000-000000000000")
NUMBERS = range(30)


@pytest.fixture
def registry(tmp_path) -> str:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "schema.avsc").write_text(json.dumps(reader_schema().json))
    ids = (str(SCHEMA_ID), str(GLUE_ID))
    entries = [
        {"id": i, "subject": f"{n}-value", "version": 1, "file": "schema.avsc"}
        for n, i in enumerate(ids)
    ]
    (folder / "registry.json").write_text(json.dumps({"schemas": entries}))
    return f"file:{folder}"


def test_all_wire_formats_give_the_same_rows(kafka, topic_factory, make_lake, registry):
    topics = {name: topic_factory() for name in ("confluent", "glue", "single_object")}
    lake = make_lake(
        *(
            {"topic": topic, "dataset": DATASET, "wire_format": name}
            for name, topic in topics.items()
        ),
        registry={"url": registry},
    )
    old = int(time.time() * 1000) - 120_000  # old enough for an unknown id to be one
    send(kafka, topics["confluent"], [*confluent(NUMBERS), b"\x00\x00"], timestamp=old)
    bad = [_glue(1, UNKNOWN_GLUE_ID), b"\x03\x07" + GLUE_ID.bytes + datum(1)]
    send(kafka, topics["glue"], [*map(_glue, NUMBERS), *bad], timestamp=old)
    bad = [b"\xc3\x01" + bytes(8) + datum(1), b"\xc3\x02" + bytes(8)]
    send(kafka, topics["single_object"], [*map(_single, NUMBERS), *bad], timestamp=old)

    assert lake.drain().code == 0

    assert_proven(lake)
    assert_holds_exactly(lake, topics["confluent"], logged(kafka, topics["confluent"]))
    wanted = _fields(lake, topics["confluent"])
    assert wanted["pharmacy_ncpdp_id"].to_pylist() == [f"{number:07d}" for number in NUMBERS]
    assert _fields(lake, topics["glue"]).equals(wanted)
    assert _fields(lake, topics["single_object"]).equals(wanted)
    assert _ids(lake, topics["glue"]) == {str(GLUE_ID)}
    assert _ids(lake, topics["single_object"]) == {f"{reader_schema().fingerprint:016x}"}
    assert _dead(lake, topics["glue"]) == [(30, "unknown_schema_id"), (31, "bad_compression")]
    assert _dead(lake, topics["single_object"]) == [(30, "unknown_schema_id"), (31, "bad_magic")]


def _glue(number: int, schema_id: UUID = GLUE_ID) -> bytes:
    # Every other message is compressed.
    if number % 2:
        return b"\x03\x05" + schema_id.bytes + zlib.compress(datum(number))
    return b"\x03\x00" + schema_id.bytes + datum(number)


def _single(number: int) -> bytes:
    return b"\xc3\x01" + reader_schema().fingerprint.to_bytes(8, "little") + datum(number)


def _rows(lake, topic: str):
    ids = {commit.topic_id for commit in lake.commits() if commit.topic == topic}
    return of_topic_ids(rows_of(lake.store, DATASET), ids).sort_by("_offset")


def _fields(lake, topic: str):
    rows = _rows(lake, topic)
    return rows.drop_columns([name for name in rows.column_names if name[0] == "_"])


def _ids(lake, topic: str) -> set[str]:
    return set(_rows(lake, topic)["_schema_id"].to_pylist())


def _dead(lake, topic: str) -> list[tuple[int, str]]:
    mine = [commit for commit in lake.commits() if commit.topic == topic]
    found = [read_small_tables(lake.store, commit).get("dead_letters") for commit in mine]
    rows = [row for table in found if table is not None for row in table.to_pylist()]
    return [(row["offset"], row["reason"]) for row in rows]
