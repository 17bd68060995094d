"""Messages of the load generator, some of them with a value that somebody must stumble over."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import Value, patched, values_of
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.topics import TOPICS
from tests.oracle import Message

_DAY_US: Final = 86_400_000_000

#: Values that look right, nearly right, or like nothing, for any field of text.
_TEXTS: Final = (
    *("", " ", "x" * 65, "é" * 33, "Ünïcode", "١٢٣٤٥", "00000000-0000-4000-8000-00000000000z"),
    *("1234567893", "1234567890", "2345678901", "3234567893", "123456789३", "1000003", "100000"),
    *("AB1234563", "AB1234564", "A91234563", "AB1234563-7F", "AB1234563-", "IB1234563"),
    *("0002-8215-01", "50242-040-62", "60575-4112-1", "00002821501", "0002821501", "00000000000"),
    *("000028-2150-1", "00002-8215-01", "0002-8215-1", "00002821501\n", "-0002821501"),
    *("00300028215012", "00300028215013", "10300028215019", "4006381333931", "96385074"),
    *("11701", "11701-1234", "117011234", " 11701 ", "03601", "09012", "00601", "1170", "NY", "CA"),
    *("urn:epc:id:sgtin:030002.0821501.6789", "urn:epc:id:sgtin:0300028.021501.12%2F3"),
    *("3074257BF7194E4000001A85", "30FFFFFFFFFFFFFFFFFFFFFF", "urn:epc:id:sgtin:030002.821501.1"),
    *("rxhub", "US", " us", "DE", "ABC/12", "A B", "a" * 20, "a" * 21, "7", "12345678901234"),
    *("x" * 1024, "é" * 513, "a\0b"),
)  # fmt: skip
_INTS: Final = (-1, 0, 1, 2, 5, 6, 9, 10, 30, 31, 90, 91, 365, 366, 2**31 - 1, -(2**31))
#: Of lists.
_CODES: Final = ("CII", "", "x", "y" * 65_535, "é" * 32_768, "a\0b")
#: Unscaled.
_DECIMALS: Final = (0, 1, -1, 500, 30_000, 18_000, 9_999_999_999, 10_000_000_000, 100_000_000)
#: Days from the one that stands there.
_DAYS: Final = (
    -1,
    1,
    30,
    60,
    61,
    -180,
    -200,
    366,
    -400,
    -20_000,
    -44_196,
    2**30,
    -(2**30),
    110_000_000,
)
#: Microseconds likewise.
_TIMES: Final = (
    *(-1, 1, 300_000_000, 300_000_001, -3_600_000_000, _DAY_US, -_DAY_US, -_DAY_US - 1),
    *(-400 * _DAY_US, -401 * _DAY_US, -2_000_000 * _DAY_US, 2**62, -(2**62)),
)  # fmt: skip
#: A producer may send any.
_STAMPS: Final = (-1, 0, 2**63 - 1, 2**53, 9_223_372_036_854_775, 253_402_300_800_000)
#: February 29.
_LEAP_DAYS: Final = (59 + 365 * 42 + 10, 59 + 365 * 10 + 2, 59 + 365 * 54 + 13)


@cache
def stream(seed: int, events: int) -> tuple[tuple[Message, bool], ...]:
    """A stream of one partition a topic, faults and all, as a reader would see it.

    Each message with whether it is sound; ``twisted`` takes those. Offsets have holes, where
    transactions were aborted and where their markers stand.
    """
    topics = tuple(replace(topic, partitions=1) for topic in TOPICS)
    found: list[tuple[Message, bool]] = []
    ends = dict.fromkeys((topic.name for topic in topics), 0)
    for chunk in generate(seed, events, "default", topics=topics):
        if chunk.fate is not Fate.ABORTED:
            found += _read(chunk, ends[chunk.topic])
        ends[chunk.topic] += len(chunk) + (chunk.fate is not Fate.PLAIN)
    return tuple(found)


def _read(chunk: Chunk, start: int) -> Iterator[tuple[Message, bool]]:
    rows = zip(chunk.timestamps_ms, chunk.keys, chunk.values, strict=True)
    for row, (timestamp_ms, key, value) in enumerate(rows):
        message = Message(
            topic=chunk.topic, partition=0, offset=start + row, timestamp_ms=timestamp_ms,
            key=key, value=value,
        )  # fmt: skip
        yield message, row not in chunk.planted


def varied(seed: int, events: int, chance: random.Random) -> list[Message]:
    """The stream, half of whose sound messages are twisted in one field, some in several.

    Some come at times that no broker has.
    """
    return [
        replace(message, timestamp_ms=chance.choice(_STAMPS)) if chance.random() < 0.01 else message
        for message in _varied(seed, events, chance)
    ]


def _varied(seed: int, events: int, chance: random.Random) -> list[Message]:
    return [
        replace(message, value=twisted(message.value, chance, chance.choice((1, 1, 1, 2, 4))))
        if sound and message.value is not None and chance.random() < 0.5
        else message
        for message, sound in stream(seed, events)
    ]


def twisted(value: bytes, chance: random.Random, fields: int) -> bytes:
    """A sound message with other values in some fields; sound Avro all the same."""
    sound = Sound(value, contract_of(value), None)
    held = values_of(sound)
    types = {field["name"]: field["type"] for field in sound.contract.schema["fields"]}
    changes: dict[str, Value] = {}
    for name in chance.sample(list(types), fields):
        changes[name] = _other(types[name], held[name], chance)
    return patched(sound, changes)


def _other(kind: Any, held: Value, chance: random.Random) -> Value:
    if isinstance(kind, list):
        if held is not None and chance.random() < 0.2:
            return None
        kind = kind[1]
    if kind == "boolean":
        return not held
    if isinstance(kind, Mapping) and "symbols" in kind:
        return str(chance.choice(kind["symbols"]))
    if isinstance(kind, Mapping) and kind["type"] == "array":
        return [chance.choice(_CODES) for _ in range(chance.randrange(3))]
    logical = kind.get("logicalType", "") if isinstance(kind, Mapping) else ""
    if logical == "decimal":
        return chance.choice([n for n in _DECIMALS if abs(n) < 10 ** kind["precision"]])
    if logical == "date":
        return _moved(held, 20_500, _DAYS, 31, chance)
    if logical == "timestamp-micros":
        return _moved(held, 20_500 * _DAY_US, _TIMES, 63, chance)
    return chance.choice(_INTS) if kind in ("int", "long") else chance.choice(_TEXTS)


def _moved(
    held: Value, else_from: int, by: tuple[int, ...], bits: int, chance: random.Random
) -> int:
    start = held if isinstance(held, int) else else_from
    if bits == 31 and chance.random() < 0.2:
        return chance.choice(_LEAP_DAYS)
    moved = start + chance.choice(by)
    # The outermost numbers stand for infinity in SQL; no other is worth a rule.
    return max(2 - 2**bits, min(moved, 2**bits - 2))
