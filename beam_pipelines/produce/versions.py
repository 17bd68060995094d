"""Producers of different ages: the same event written with an older or a newer schema version.

Columns are made for the current version. For another version a field takes the column of the same
name, or of a name that an alias of either version links it to; fields of that version alone have
a column of their own below; enum symbols that it lacks are replaced.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.produce.columns import digits, enums, integers, nullable, text
from beam_pipelines.produce.contracts import Contract, contracts
from beam_pipelines.produce.encode import Columns, encode

CURRENT_VERSION = 2
"""The version that columns are made for, where a dataset has several."""

# Shares of the versions in the stream, where a dataset has several.
_SHARES = {1: 0.15, 2: 0.75, 3: 0.10}

# What an old system says where the current one has a finer symbol.
_COARSER = {"DATA_ENTERED": "ADJUDICATED", "DUR_ALERT": "ADJUDICATED", "READY": "VERIFIED"}


def encode_versions(
    dataset: str, columns: Columns, rng: np.random.Generator, *, mixed: bool = True
) -> list[bytes]:
    """Encodes each row with one of the dataset's versions, and frames it with its schema id.

    Args:
        dataset: The dataset of the columns.
        columns: All fields of the current version.
        rng: Draws the version of each row.
        mixed: False writes all rows with the current version.

    Returns:
        Message values in Confluent's wire format, in row order.
    """
    versions = contracts(dataset)
    rows = len(next(iter(columns.values())))
    if len(versions) == 1 or not mixed:
        return _framed(versions[min(CURRENT_VERSION, max(versions))], columns, rng)
    drawn = rng.choice(list(_SHARES), size=rows, p=list(_SHARES.values()))
    values: list[bytes] = [b""] * rows
    for version in _SHARES:
        here = np.flatnonzero(drawn == version)
        part = {name: column.take(pa.array(here)) for name, column in columns.items()}
        part = _columns_for(versions[version], versions[CURRENT_VERSION], part, rng)
        for row, value in zip(here.tolist(), _framed(versions[version], part, rng), strict=True):
            values[row] = value
    return values


def _framed(contract: Contract, columns: Columns, rng: np.random.Generator) -> list[bytes]:
    header = contract.wire_header
    return [header + datum for datum in encode(contract.schema, columns, rng)]


def _columns_for(
    target: Contract, current: Contract, columns: Columns, rng: np.random.Generator
) -> Columns:
    if target.version == current.version:
        return columns
    columns = columns | _own_columns(target, columns, rng)
    names = current_names(target, current)
    return {
        field["name"]: _fitted(field["type"], columns[names.get(field["name"], field["name"])])
        for field in target.schema["fields"]
    }


def current_names(target: Contract, current: Contract) -> dict[str, str]:
    """The target's field names -> the current ones, where an alias links two names."""
    known = {field["name"] for field in current.schema["fields"]}
    backward = {
        alias: field["name"]
        for field in current.schema["fields"]
        for alias in field.get("aliases", ())
    }
    forward = {
        field["name"]: alias
        for field in target.schema["fields"]
        for alias in field.get("aliases", ())
        if alias in known
    }
    return {name: new for name, new in (backward | forward).items() if name not in known}


def _fitted(kind: Any, column: pa.Array) -> pa.Array:
    """The column as the target's type holds it: its symbols, and no nulls where it has none."""
    if not isinstance(kind, list) and column.null_count:
        column = pc.fill_null(column, "")
    inner = kind[1] if isinstance(kind, list) else kind
    if isinstance(inner, dict) and inner["type"] == "enum":
        return _with_symbols(column, inner["symbols"])
    return column


def _with_symbols(column: pa.DictionaryArray, symbols: list[str]) -> pa.Array:
    codes = []
    for symbol in column.dictionary.to_pylist():
        coarser = _COARSER.get(symbol, symbols[0])
        known = symbol if symbol in symbols else coarser
        codes.append(symbols.index(known if known in symbols else symbols[0]))
    indexes = pc.take(pa.array(codes, pa.int32()), column.indices)
    return pa.DictionaryArray.from_arrays(indexes, pa.array(symbols, pa.string()))


def _own_columns(target: Contract, columns: Columns, rng: np.random.Generator) -> Columns:
    """Columns of fields that only the target version has."""
    rows = len(next(iter(columns.values())))
    match target.dataset, target.version:
        case "dispense_event", 1:
            till = text(digits(rng.integers(1, 40, rows), 3))
            return {"register_id": nullable(till, rng.random(rows) < 0.6)}
        case "dispense_event", 3:
            return _partial_fills(columns, rng)
        case "patient_update", 1:
            suffix = pa.array(["Jr", "Sr", "III"]).take(pa.array(rng.integers(3, size=rows)))
            return {"name_suffix": nullable(suffix, rng.random(rows) < 0.05)}
        case "patient_update", 3:
            channels = ("UNKNOWN", "PHONE", "TEXT", "EMAIL", "MAIL")
            asked = rng.random(rows) < 0.3
            return {
                "contact_channel": enums(rng.integers(5, size=rows), channels),
                "interpreter_needed": nullable(pa.array(rng.random(rows) < 0.1), asked),
            }
    return {}


def _partial_fills(columns: Columns, rng: np.random.Generator) -> Columns:
    """Some fills of version 3 are partial, which older versions can't say."""
    kinds: pa.DictionaryArray = columns["event_type"]
    rows = len(kinds)
    symbols = [*kinds.dictionary.to_pylist(), "PARTIALLY_FILLED"]
    filled = kinds.indices.to_numpy() == symbols.index("FILLED")
    partial = filled & (rng.random(rows) < 0.2)
    codes = np.where(partial, len(symbols) - 1, kinds.indices.to_numpy())
    number = text(digits(rng.integers(10**8, 10**9, rows), 11))
    return {
        "event_type": enums(codes, symbols),
        "partial_fill_number": integers(np.ones(rows, np.int32), pa.int32(), partial),
        "prior_authorization": nullable(number, rng.random(rows) < 0.05),
    }
