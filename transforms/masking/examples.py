"""A synthetic row of any dataset, to show what masks do: nobody's data, and a public key."""

import datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.types as pt

from schemas.classification import Classification
from transforms.identifiers import LinkKeys
from transforms.masking.actions import is_list, plain
from transforms.masking.decisions import Columns
from transforms.masking.keys import MaskKeys

_SERVED: Final = datetime.datetime(2026, 3, 14, 15, 9, 26, tzinfo=datetime.UTC)
_BORN: Final = datetime.date(1953, 2, 28)

#: Numbers of kinds that are never issued: area 900, exchange 555, names of examples.
_TEXTS: Final = {
    "D:name": "Ada Example",
    "D:geo": "12 Example Street",
    "D:phone": "212-555-0100",
    "D:fax": "212-555-0101",
    "D:email": "ada@example.com",
    "D:ssn": "900-00-0000",
    "D:mrn": "P010000017",
    "D:health_plan_beneficiary": "M0000000017",
    "D:license": "NY00000017",
    "D:device": "SN0000000017",
    "D:other_unique_id": "100000017",
    "D:free_text": "take 1 tablet daily",
    "Q:geo": "94110-0017",
    "Q:demographic": "OTHER",
    "SENSITIVE": "E11.9",
    "CREDENTIAL": "EX0000000",
    "WORKFORCE": "RPH-017",
    "REGULATED": "000000017",
    "OPERATIONAL": "1000000017",
}

#: Types of columns of which only the class is known.
_USUAL: Final = {"Q:date": pa.date32(), "Q:age": pa.int32()}


#: The root of examples. It stands in this file and protects nothing.
_ROOT: Final = "e" * 64
#: Examples are made in this domain.
_DOMAIN: Final = "example"


def example_keys(policy: str) -> MaskKeys:
    """Returns keys for examples of masks."""
    return MaskKeys(_ROOT, version=1, domain=_DOMAIN, policy=policy)


def example_link_keys() -> LinkKeys:
    """Returns keys for examples of links."""
    return LinkKeys(_ROOT, domain=_DOMAIN)


def example_table(columns: Columns) -> pa.Table:
    """Returns one row with a synthetic value in each column; unknown types follow the class."""
    arrays, fields = [], []
    for name in columns.names:
        found = next((c for c in columns.within(name) if c is not None), None)
        kind = columns.types.get(name) or _usual(name, found, columns)
        value = "US" if name == columns.country else _value(kind, found)
        arrays.append(_array(value, kind))
        fields.append(pa.field(name, kind))
    return pa.table(arrays, schema=pa.schema(fields))


def _usual(name: str, found: Classification | None, columns: Columns) -> pa.DataType:
    if name == columns.reference_time:
        return pa.timestamp("us", "UTC")
    return _USUAL.get(found.cls if found else "", pa.string())


def _array(value: Any, kind: pa.DataType) -> pa.Array:
    if pt.is_dictionary(kind):
        return pa.array([value], kind.value_type).dictionary_encode().cast(kind)
    return pa.array([value], kind)


def _value(kind: pa.DataType, found: Classification | None) -> Any:
    cls = found.cls if found else "NONE"
    if is_list(kind):
        return [_value(kind.value_type, found)]
    if pt.is_date32(kind):
        return _BORN if found and "age" in (found.mask or "") else _SERVED.date()
    if pt.is_timestamp(kind):
        return _SERVED if kind.tz else _SERVED.replace(tzinfo=None)
    if pt.is_boolean(kind):
        return True
    if pt.is_integer(kind):
        return 73 if cls == "Q:age" else 17
    if pt.is_floating(kind):
        return 1.5
    if pt.is_decimal(kind):
        return Decimal("1.5")
    if pt.is_string(plain(kind)) or pt.is_large_string(plain(kind)):
        return _TEXTS.get(cls, "example")
    return None
