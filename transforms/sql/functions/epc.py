"""Serialized GTINs as electronic product codes: what a scanner or an RFID reader gives.

Source: GS1 EPC Tag Data Standard, sections 6.3.1 (SGTIN as a URN: company prefix, indicator and
item reference, serial number; percent-escapes in the serial) and 14.6.1 (SGTIN-96: header 0x30,
filter, partition, company prefix, item reference, serial of 38 bits).
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.sql.functions.gtin import with_check_digits
from transforms.sql.functions.texts import Column, Texts, over_texts, packed, whole

_URN: Final = (
    r"^urn:epc:id:sgtin:(?P<prefix>[0-9]{6,12})\.(?P<item>[0-9]{1,7})"
    r"\.(?P<serial>(?:[!'()*+,\-.0-9:;=A-Z_a-z]|%[0-9A-Fa-f]{2}){1,60})$"
)
_TAG: Final = "^30[0-9A-Fa-f]{22}$"
#: Bits of the company prefix by partition value; the item reference takes the rest of 44.
_PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
_SERIAL_BITS: Final = 38
#: A GTIN-14 without its check digit.
_BODY_DIGITS: Final = 13


def epc_gtin(epcs: Column) -> pa.Array:
    """The GTIN-14 of each SGTIN, written as a URN or as the 24 hexadecimal digits of SGTIN-96.

    Null for what is neither. Source: see the module.
    """
    array = whole(epcs)
    prefix, item, _ = _urn_parts(array)
    # The indicator stands before the item reference there, and first in a GTIN.
    bodies = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(item, 0, 1), prefix, pc.utf8_slice_codeunits(item, 1), ""
    )
    return _with_check_digits(pc.coalesce(bodies, _from_tags(array, _tag_body)))


def epc_serial(epcs: Column) -> pa.Array:
    """The serial number of each SGTIN; as for ``epc_gtin``.

    Source: see the module.
    """
    array = whole(epcs)
    serials = _urn_parts(array)[2]
    if pc.any(pc.match_substring(serials, "%")).as_py():
        plain = [None if serial is None else unquote(serial) for serial in serials.to_pylist()]
        serials = pa.array(plain, pa.string())
    return pc.coalesce(serials, _from_tags(array, _tag_serial))


def _urn_parts(epcs: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Company prefix, indicator with item reference, and serial as it is written."""
    urns = pc.extract_regex(epcs, _URN)
    prefix, item, serial = (pc.struct_field(urns, name) for name in ("prefix", "item", "serial"))
    digits = pc.add(pc.binary_length(prefix), pc.binary_length(item))
    right = pc.equal(digits, _BODY_DIGITS)
    return prefix, pc.if_else(right, item, None), pc.if_else(right, serial, None)


@over_texts
def _with_check_digits(bodies: Texts) -> pa.Array:
    places = np.zeros((_BODY_DIGITS, len(bodies)), np.uint8)
    rows = bodies.rows(_BODY_DIGITS)
    places[:, rows] = bodies.places(rows, _BODY_DIGITS)
    return packed(with_check_digits(places), bodies.sizes == _BODY_DIGITS)


def _from_tags(epcs: pa.Array, part: Callable[[int], str | None]) -> pa.Array:
    tags = pc.fill_null(pc.match_substring_regex(epcs, _TAG), False)
    if not pc.any(tags).as_py():
        return pa.nulls(len(epcs), pa.string())
    # Readers give few of them: here one value after the other will do.
    texts = pc.if_else(tags, epcs, None).to_pylist()
    return pa.array([None if t is None else part(int(t, 16)) for t in texts], pa.string())


def _tag_body(tag: int) -> str | None:
    partition = tag >> (_SERIAL_BITS + 44) & 7
    if partition >= len(_PREFIX_BITS):
        return None
    digits = 12 - partition
    item_bits = 44 - _PREFIX_BITS[partition]
    both = tag >> _SERIAL_BITS & ((1 << 44) - 1)
    prefix, item = both >> item_bits, both & ((1 << item_bits) - 1)
    if prefix >= 10**digits or item >= 10 ** (13 - digits):
        return None
    indicated = f"{item:0{13 - digits}d}"
    return f"{indicated[0]}{prefix:0{digits}d}{indicated[1:]}"


def _tag_serial(tag: int) -> str | None:
    return str(tag & ((1 << _SERIAL_BITS) - 1)) if _tag_body(tag) else None
