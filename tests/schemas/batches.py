"""Batches of datums, and what the strict path makes of them."""

import random

import numpy as np
import pyarrow as pa

from schemas import strict
from schemas.columnar import BadDatum, Decoder
from schemas.columnar.rows import build_array
from schemas.errors import DatumError
from schemas.model import AvroSchema
from tests.schemas.arrow_equality import same
from tests.schemas.generated import random_value

MANY = 150  # enough rows for lock-step


def record(**kinds):
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return AvroSchema.parse({"type": "record", "name": "R", "fields": fields})


def pack(datums, gap=0):
    """The datums in one buffer, with a few bytes of another kind before each."""
    sizes = np.array([len(d) for d in datums], np.int64)
    ends = np.cumsum(sizes + gap) if len(sizes) else sizes
    return b"".join(b"\xff" * gap + d for d in datums), ends - sizes, ends


def decode(schema, datums, reader=None):
    return Decoder(schema, reader or schema).decode(*pack(datums))


def expected(schema, datums, reader=None):
    """What the strict path makes of each datum alone: the columns and the bad ones."""
    reader = reader or schema
    raw = strict.raw_decoder(schema, reader)
    rows, bad = [], []
    for index, datum in enumerate(datums):
        try:
            rows.append(raw(datum))
        except DatumError as error:
            bad.append(BadDatum(index, error.code, error.field))
    columns = [build_array(f.node, [row[i] for row in rows]) for i, f in enumerate(reader.fields)]
    return columns, tuple(bad)


def assert_as_expected(batch, schema, datums, reader=None):
    columns, bad = expected(schema, datums, reader)
    batch.table.validate(full=True)
    for column, wanted in zip(batch.table.columns, columns, strict=True):
        assert same(_one(column), wanted)
    assert batch.bad == bad
    assert batch.good.dtype == np.int64
    assert sorted([*batch.good.tolist(), *(b.index for b in bad)]) == list(range(len(datums)))


def _one(column):
    """A column as one array without an offset."""
    return pa.concat_arrays([c.take(pa.array(np.arange(len(c)))) for c in column.chunks])


def values(schema, seed, count):
    rng = random.Random(seed)
    return [random_value(schema.root, rng) for _ in range(count)]
