import io
import json

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.produce.columns import constant, decimals, enums, integers
from beam_pipelines.produce.contracts import contracts
from beam_pipelines.produce.encode import encode

SCHEMA = {
    "type": "record",
    "name": "Sample",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "maybe", "type": ["null", {"type": "enum", "name": "E", "symbols": ["A", "B"]}]},
        {
            "name": "money",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        },
        {"name": "small", "type": "int"},
        {"name": "codes", "type": {"type": "array", "items": "string"}},
        {"name": "flag", "type": "boolean"},
    ],
}


def sample(rows: int) -> dict[str, pa.Array]:
    numbers = np.arange(rows)
    return {
        "text": constant("häuser", rows),
        "maybe": enums(numbers % 2, ("A", "B"), numbers % 3 > 0),
        "money": decimals(numbers * 997 - 500, 9, 2),
        "small": integers(numbers, pa.int64()),
        "codes": pa.array([["70", "75"][: n % 3] for n in range(rows)], pa.list_(pa.string())),
        "flag": pa.array(numbers % 2 == 0),
        "more": constant("left out", rows),
    }


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 200, 9_000])
def test_datums_are_the_bytes_that_fastavro_writes(rows):
    columns = sample(rows)
    datums = encode(SCHEMA, columns, np.random.default_rng(0))
    parsed = fastavro.parse_schema(SCHEMA)
    listed = {name: column.to_pylist() for name, column in columns.items()}
    for row in range(0, rows, max(1, rows // 100)):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, {n: v[row] for n, v in listed.items()})
        assert datums[row] == buffer.getvalue()
    assert len(datums) == rows


def test_the_datums_do_not_depend_on_the_guard():
    one = encode(SCHEMA, sample(50), np.random.default_rng(1))
    assert one == encode(SCHEMA, sample(50), np.random.default_rng(2))


def test_no_rows_make_no_datums():
    assert encode(SCHEMA, sample(0), np.random.default_rng(0)) == []


def test_a_field_without_a_column_is_named():
    with pytest.raises(KeyError, match="flag"):
        encode(SCHEMA, {"text": constant("a", 1)} | {"maybe": sample(1)["maybe"]} | {
            name: sample(1)[name] for name in ("money", "small", "codes")
        }, np.random.default_rng(0))  # fmt: skip


def test_contracts_have_the_ids_of_the_packaged_registry():
    versions = contracts("dispense_event")
    assert [versions[v].version for v in sorted(versions)] == [1, 2, 3]
    assert versions[2].wire_header == b"\x00\x00\x00\x00\x02"
    assert json.dumps(versions[2].schema).count('"name"') > 50


def test_an_unknown_dataset_has_no_contracts():
    with pytest.raises(KeyError, match="no_such"):
        contracts("no_such")
