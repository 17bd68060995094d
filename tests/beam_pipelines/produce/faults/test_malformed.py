"""Each kind of malformed message, judged by the strict path."""

import numpy as np
import pytest

from beam_pipelines.produce.contracts import contracts
from beam_pipelines.produce.faults.malformed import MALFORMED, Sound
from beam_pipelines.produce.one_schema import events_of_one_schema
from tests.oracle import Message, expected_of

CODES = {
    "bad_enum_index": {"enum_index"},
    "bad_magic": {"bad_magic"},
    "bad_union_index": {"union_index"},
    "bad_utf8": {"utf8"},
    "decimal_over_precision": {"decimal_precision"},
    "empty_value": {"empty_value"},
    "huge_length": {"truncated"},
    "int_out_of_range": {"int_range"},
    "json_text": {"bad_magic"},
    "negative_length": {"negative_length"},
    "short_header": {"short_header"},
    "trailing_bytes": {"trailing_bytes"},
    "truncated": {"truncated"},
    "unknown_schema_id": {"unknown_schema_id"},
    "varint_overflow": {"varint_overflow"},
}


def malformed(kind: str, times: int = 40) -> list[bytes]:
    rng = np.random.default_rng(1)
    contract = contracts("dispense_event")[2]
    foreign = b"\x141234567893\x00\x00\x00\x0cVargas"
    sounds = [Sound(v, contract, foreign) for v in events_of_one_schema(times, seed=2)]
    made = [MALFORMED[kind](sound, rng) for sound in sounds]
    assert None not in made
    return made


def codes(values: list[bytes]) -> list[str]:
    messages = [
        Message(
            topic="pharmacy.dispense", partition=0, offset=n, timestamp_ms=0, key=None, value=value
        )
        for n, value in enumerate(values)
    ]
    verdicts = expected_of("pharmacy.dispense", messages).dispositions(0)
    return [verdicts[n].code for n in range(len(values))]


@pytest.mark.parametrize("kind", CODES)
def test_a_malformed_message_is_refused_for_its_own_reason(kind):
    assert set(codes(malformed(kind))) == CODES[kind]


def test_a_foreign_datum_is_refused():
    assert "" not in codes(malformed("foreign_schema"))


def test_flipped_bits_are_mostly_refused():
    found = codes(malformed("bit_flipped", 200))
    assert found.count("") < 140
    assert len(set(found)) > 4


def test_every_kind_is_tested_here():
    assert set(MALFORMED) == CODES.keys() | {"foreign_schema", "bit_flipped"}


def test_a_message_without_decimals_has_none_over_precision():
    contract = contracts("prescriber_ref")[1]
    sound = Sound(contract.wire_header + b"\x00" * 12, contract, None)
    assert MALFORMED["decimal_over_precision"](sound, np.random.default_rng(0)) is None
    assert MALFORMED["foreign_schema"](sound, np.random.default_rng(0)) is None
