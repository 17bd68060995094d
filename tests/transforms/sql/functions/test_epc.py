"""Serialized GTINs as electronic product codes."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.test_gtin import check_digit
from tests.transforms.sql.functions.test_serial import ALLOWED
from tests.transforms.sql.functions.texts import ANY_TEXT, damaged, one, strings
from transforms.sql.functions.epc import epc_gtin, epc_serial

KNOWN = "3074257BF7194E4000001A85"


def test_the_known_tag_is_read():
    assert one(epc_gtin, KNOWN) == one(epc_gtin, KNOWN.lower()) == "80614141123458"
    assert one(epc_serial, KNOWN) == "6789"


def test_the_known_urn_is_read():
    urn = "urn:epc:id:sgtin:0614141.812345.6789"
    assert one(epc_gtin, urn) == "80614141123458"
    assert one(epc_serial, urn) == "6789"


def test_escapes_of_the_serial_are_undone():
    assert one(epc_serial, "urn:epc:id:sgtin:0614141.812345.67%2F89%25") == "67/89%"


@pytest.mark.parametrize(
    "text",
    [
        *("", "6789", KNOWN[:-1], KNOWN + "0", "31" + KNOWN[2:], "30FC" + KNOWN[4:]),
        *("urn:epc:id:sgtin:0614141.81234.6789", "urn:epc:id:sgtin:0614141.8123456.6789"),
        *("urn:epc:id:sscc:0614141.812345.6789", "urn:epc:id:sgtin:0614141.812345."),
        *("urn:epc:id:sgtin:0614141.812345.a b", "urn:epc:id:sgtin:0614141.812345.%2"),
        # Partition 5 leaves 24 bits to 7 digits: more than they can say.
        f"{0x30 << 88 | 5 << 82 | 0xFFFFFF << 58 | 1:024X}",
    ],
)
def test_what_is_no_sgtin_is_null(text):
    assert one(epc_gtin, text) is None
    assert one(epc_serial, text) is None


def test_nulls_stay_nulls_beside_tags_and_urns():
    column = strings(None, KNOWN, "urn:epc:id:sgtin:0614141.812345.1%21", "junk", None)
    assert epc_gtin(column).to_pylist() == [None, "80614141123458", "80614141123458", None, None]
    assert epc_serial(column).to_pylist() == [None, "6789", "1!", None, None]


_BITS = {12: (40, 4), 11: (37, 7), 10: (34, 10), 9: (30, 14), 8: (27, 17), 7: (24, 20), 6: (20, 24)}


@st.composite
def sgtins(draw):
    """GTIN, serial, tag and URN of one package."""
    length = draw(st.integers(6, 12))
    digits = draw(st.text("0123456789", min_size=13, max_size=13))
    prefix, item = digits[:length], digits[length:]
    serial = draw(st.integers(0, 2**38 - 1))
    prefix_bits, item_bits = _BITS[length]
    fields = [(0x30, 8), (1, 3), (12 - length, 3), (int(prefix), prefix_bits)]
    tag = 0
    for value, bits in [*fields, (int(item), item_bits), (serial, 38)]:
        tag = tag << bits | value
    body = item[0] + prefix + item[1:]
    urn = f"urn:epc:id:sgtin:{prefix}.{item}.{serial}"
    return body + check_digit(body), str(serial), f"{tag:024X}", urn


@settings(max_examples=40)
@given(st.lists(sgtins(), max_size=8))
def test_tag_and_urn_tell_the_same_package(packages):
    for spelling in (2, 3):
        column = strings(*(package[spelling] for package in packages))
        assert epc_gtin(column).to_pylist() == [package[0] for package in packages]
        assert epc_serial(column).to_pylist() == [package[1] for package in packages]


@settings(max_examples=30)
@given(st.text(sorted(ALLOWED), min_size=1, max_size=20))
def test_any_serial_can_be_escaped(serial):
    assert one(epc_serial, f"urn:epc:id:sgtin:0614141.812345.{quote(serial, safe='')}") == serial


@settings(max_examples=40)
@given(st.lists(damaged(sgtins().map(lambda s: s[3])) | ANY_TEXT, max_size=10))
def test_no_text_raises_and_both_parts_are_there_or_none(texts):
    gtins, serials = epc_gtin(strings(*texts)), epc_serial(strings(*texts))
    present = [serial is not None for serial in serials.to_pylist()]
    assert [gtin is not None for gtin in gtins.to_pylist()] == present
