"""100,000 mutants against the strict path: what it says of a datum, lock-step must say too."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import schemas
from schemas import strict
from schemas.columnar import plan
from schemas.columnar.rows import build_array
from schemas.model import AvroSchema
from tests.schemas import corruption
from tests.schemas.arrow_equality import same
from tests.schemas.batches import pack
from tests.schemas.encoding import encode
from tests.schemas.generated import random_value

DISPENSE = AvroSchema.parse(
    (Path(schemas.__file__).parent / "avsc/dispense_event/v2.avsc").read_text()
)
NESTED = AvroSchema.parse(
    """{"type": "record", "name": "Claim", "fields": [
      {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 4}},
      {"name": "lines", "type": {"type": "array", "items": {
        "type": "record", "name": "Line", "fields": [
          {"name": "ndc", "type": "string"},
          {"name": "amount", "type": ["null", {"type": "bytes", "logicalType": "decimal",
                                               "precision": 20, "scale": 2}]},
          {"name": "codes", "type": {"type": "array", "items": "int"}}]}}},
      {"name": "payer", "type": ["null", "string", "long", "Line"]},
      {"name": "tags", "type": {"type": "map", "values": ["null", "boolean"]}},
      {"name": "ratio", "type": "double"},
      {"name": "at", "type": {"type": "long", "logicalType": "time-micros"}},
      {"name": "status", "type": {"type": "enum", "name": "S", "symbols": ["A", "B", "C"]}}]}"""
)
BATCH = 5_000
MUTANTS = 50_000  # of each schema


def mutants(schema, seed):
    rng = random.Random(seed)
    seeds = [encode(schema.root, random_value(schema.root, rng), i % 3 == 2) for i in range(300)]
    return [corruption.spoil(rng.choice(seeds), rng) for _ in range(MUTANTS)]


@pytest.mark.parametrize("schema", [DISPENSE, NESTED], ids=lambda s: s.name)
def test_lock_step_alone_passes_no_bad_row_and_reads_the_values_of_good_ones(schema):
    datums = mutants(schema, 2026)
    decode = strict.raw_decoder(schema, schema)
    for at in range(0, MUTANTS, BATCH):
        batch = datums[at : at + BATCH]
        data, starts, ends = pack(batch)

        columns, good = plan.lock_step(schema).read(np.frombuffer(data, np.uint8), starts, ends)

        verdicts = [strict.verdict(decode, datum) for datum in batch]
        wanted = np.array([error is None for _, error in verdicts])
        assert not (good & ~wanted).any()
        # It may leave a row to the strict path (a decimal of more than 16 bytes), but hardly ever.
        assert (good == wanted).mean() > 0.999
        rows = [value for (value, _), passed in zip(verdicts, good, strict=True) if passed]
        for index, field in enumerate(schema.fields):
            expected = build_array(field.node, [row[index] for row in rows])
            assert same(columns[index].filter(pa.array(good)), expected), field.name
