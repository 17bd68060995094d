"""Verdicts on messages made by hand: nothing of the load generator or the codec helps here."""

import ast
import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.model import AvroSchema
from tests.oracle import Message, Verdict, expected_of

TOPIC = "pharmacy.ref.pharmacies"
HEADER = b"\x00\x00\x00\x00\x08"  # pharmacy_ref, version 1, has id 8
DATUM = (
    b"\x0e1000003" + b"\x141234567893" + b"\x00"  # ids, no DEA number
    + b"\x0aStore" + b"\x00\x00\x00"  # name; no number, address, city
    + b"\x04NY" + b"\x0a11701" + b"\x20America/New_York"
    + b"\x01" + b"\x02" + b"\x02" + b"\x01"  # open_24h, MAIL, 1 microsecond before..., active
)  # fmt: skip


def message(value: bytes | None, offset: int = 7) -> Message:
    return Message(
        topic=TOPIC, partition=1, offset=offset, timestamp_ms=1_500, key=b"k", value=value
    )


def verdict(value: bytes | None) -> Verdict:
    return expected_of(TOPIC, [message(value)]).verdicts[1, 7]


def test_a_sound_message_becomes_a_row_with_lineage():
    expected = expected_of(TOPIC, [message(HEADER + DATUM)])
    assert expected.verdicts == {(1, 7): Verdict("accepted")}
    row = expected.rows[1, 7]
    assert list(row)[:6] == ["_topic", "_partition", "_offset", "_row", "_timestamp", "_schema_id"]
    assert (row["_partition"], row["_offset"], row["_timestamp"]) == (1, 7, 1_500)
    assert (row["_schema_id"], row["name"], row["dispenser_class"]) == ("8", "Store", "MAIL")
    assert (row["city"], row["active"]) == (None, True)
    assert row["effective_from"] == datetime.datetime(1970, 1, 1, 0, 0, 0, 1, datetime.UTC)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "empty_value"),
        (b"\x00", "short_header"),
        (HEADER[:4], "short_header"),
        (b"\x01" + HEADER[1:] + DATUM, "bad_magic"),
        (b'{"name": "Store"}', "bad_magic"),
        (b"\x00\x00\x00\x03\xe7" + DATUM, "unknown_schema_id"),
        (HEADER, "truncated"),
        (HEADER + DATUM[:-1], "truncated"),
        (HEADER + DATUM + b"\x00", "trailing_bytes"),
        (HEADER + b"\x0d" + DATUM[1:], "negative_length"),
        (HEADER + b"\x0e\xff000003" + DATUM[8:], "utf8"),
        (HEADER + DATUM[:-4] + b"\x02" + DATUM[-3:], "boolean"),
        (HEADER + DATUM[:-3] + b"\x0c" + DATUM[-2:], "enum_index"),
        (HEADER + DATUM[:19] + b"\x04" + DATUM[20:], "union_index"),
        (b"\x00\x00\x00\x00\x0a" + DATUM, "incompatible_schema"),
    ],
)
def test_a_message_that_is_no_datum_is_a_dead_letter_with_its_code(value, code):
    assert verdict(value) == Verdict("dead_letter", code)


def test_a_tombstone_is_filtered():
    assert verdict(None) == Verdict("filtered", "tombstone")


def test_a_bad_message_leaves_its_neighbors_alone():
    values = [HEADER + DATUM, b"\x00", HEADER + DATUM, None, HEADER + DATUM]
    expected = expected_of(TOPIC, [message(v, n) for n, v in enumerate(values)])
    assert sorted(expected.rows) == [(1, 0), (1, 2), (1, 4)]
    assert expected.counts == {"accepted": 3, "dead_letter": 1, "filtered": 1}
    assert expected.dispositions(1)[3] == Verdict("filtered", "tombstone")
    assert expected.dispositions(0) == {}


def test_a_message_that_is_read_twice_is_noticed():
    with pytest.raises(AssertionError, match="read twice"):
        expected_of(TOPIC, [message(None), message(None)])


def test_another_topic_can_carry_a_dataset_and_other_writers_be_known():
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    writer = AvroSchema.parse(
        {
            "type": "record",
            "name": "PrescriberRef",
            "namespace": "io.pharmabeam.events.v1",
            "fields": [
                {"name": "npi", "type": "string"},
                {"name": "last_name", "type": "string"},
                {"name": "effective_from", "type": micros},
            ],
        }
    )
    datum = b"\x00\x00\x00\x00\x63" + b"\x141234567893" + b"\x04Ng" + b"\x04"
    given = Message(topic="copy", partition=0, offset=0, timestamp_ms=0, key=None, value=datum)
    expected = expected_of(
        "copy", [given], carries="pharmacy.ref.prescribers", writers={99: writer}
    )
    row = expected.rows[0, 0]
    assert (row["npi"], row["last_name"], row["dea_schedules"]) == ("1234567893", "Ng", [])
    assert (row["oig_excluded"], row["first_name"]) == (False, None)


def test_decimals_are_exact():
    header = b"\x00\x00\x00\x00\x09"
    names = ("50254000101", "", "", "Name", "name", "Lab", "TABLET")
    text = [bytes([2 * len(n)]) + n.encode() for n in names]
    datum = text[0] + b"\x06" + b"\x00\x00" + b"".join(text[3:]) + b"\x00\x00"
    datum += b"\x04\x01\x86" + b"\x00" + b"\x00\x00\x00" + b"\x00" + b"\x00" + b"\x02" + b"\x00"
    datum += b"\x00" + b"\x00\x00" + b"\x00" + b"\x00\x00\x00\x00" + b"\x00"
    given = Message(
        topic="pharmacy.ref.drugs", partition=0, offset=0, timestamp_ms=0, key=None,
        value=header + datum,
    )  # fmt: skip
    expected = expected_of("pharmacy.ref.drugs", [given])
    assert expected.verdicts[0, 0] == Verdict("accepted")
    assert expected.rows[0, 0]["package_size"] == Decimal("0.390")


def test_the_oracle_uses_nothing_of_what_it_judges():
    forbidden = (
        *("schemas.columnar", "schemas.wire", "transforms", "beam_pipelines", "apache_beam"),
        *("duckdb", "numpy", "pyarrow.compute", "datasketches", "cryptography"),
    )
    for path in Path(__file__).parent.glob("*.py"):
        if path.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [n for n in names if n.startswith(forbidden)], path.name
