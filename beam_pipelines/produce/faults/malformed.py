"""Messages that are no sound Avro, each made from a sound one.

Each kind is a function from a `Sound` message and a random source to the malformed value, or to
None where the message has no place for this fault.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beam_pipelines.produce.contracts import Contract
from beam_pipelines.produce.faults.spans import Span, spans, write_long

_WIRE_HEADER = 5
# No registry that numbers its schemas from 1 gets there.
_UNKNOWN_ID = 2_000_000_011


@dataclass(frozen=True)
class Sound:
    """A sound message value, what it was written with, and a datum of another dataset."""

    value: bytes
    contract: Contract
    foreign: bytes | None

    @property
    def header(self) -> bytes:
        """The wire header."""
        return self.value[:_WIRE_HEADER]

    @property
    def datum(self) -> bytes:
        """The Avro datum."""
        return self.value[_WIRE_HEADER:]

    @cached_property
    def spans(self) -> list[Span]:
        """Where the datum's fields stand."""
        return spans(self.contract.schema, self.datum)

    def fields(self, kind: str) -> list[Span]:
        """The spans of one kind of field."""
        return [span for span in self.spans if span.kind == kind]

    def with_bytes(self, start: int, end: int, replacement: bytes) -> bytes:
        """The message with another text in place of the datum's bytes from `start` to `end`."""
        return self.header + self.datum[:start] + replacement + self.datum[end:]


_Maker = Callable[[Sound, np.random.Generator], bytes | None]


def _pick(found: list[Span], rng: np.random.Generator) -> Span | None:
    return found[int(rng.integers(len(found)))] if found else None


def _empty_value(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return b""


def _short_header(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return sound.value[: int(rng.integers(1, _WIRE_HEADER))]


def _bad_magic(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return bytes([int(rng.integers(1, 256))]) + sound.value[1:]


def _unknown_schema_id(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return b"\x00" + _UNKNOWN_ID.to_bytes(4, "big") + sound.datum


def _json_text(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return b'{"event_type": "DISPENSED", "quantity": %d}' % rng.integers(1, 100)


def _foreign_schema(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return None if sound.foreign is None else sound.header + sound.foreign


def _truncated(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return sound.value[: int(rng.integers(_WIRE_HEADER, len(sound.value)))]


def _trailing_bytes(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return sound.value + rng.bytes(int(rng.integers(1, 9)))


def _bit_flipped(sound: Sound, rng: np.random.Generator) -> bytes | None:
    """In the first byte of a field: its length, branch, index or number."""
    places = [s.start if s.union is None else s.union for s in sound.spans if s.kind != "null"]
    flipped = bytearray(sound.value)
    place = _WIRE_HEADER + places[int(rng.integers(len(places)))]
    flipped[place] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def _with_length(sound: Sound, rng: np.random.Generator, length: int) -> bytes | None:
    """Another length for one of the texts, whose own is one byte: all are shorter than 64."""
    span = _pick(sound.fields("string"), rng)
    if span is None:
        return None
    return sound.with_bytes(span.start, span.start + 1, write_long(length))


def _huge_length(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return _with_length(sound, rng, 1 << 40)


def _negative_length(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return _with_length(sound, rng, -5)


def _bad_utf8(sound: Sound, rng: np.random.Generator) -> bytes | None:
    long_enough = [span for span in sound.fields("string") if span.end - span.start > 3]
    span = _pick(long_enough, rng)
    return None if span is None else sound.with_bytes(span.start + 1, span.start + 3, b"\xc3\x28")


def _bad_enum_index(sound: Sound, rng: np.random.Generator) -> bytes | None:
    span = _pick(sound.fields("enum"), rng)
    if span is None:
        return None
    index = -1 if rng.integers(2) else span.symbols
    return sound.with_bytes(span.start, span.end, write_long(index))


def _bad_union_index(sound: Sound, rng: np.random.Generator) -> bytes | None:
    unions = [span for span in sound.spans if span.union is not None]
    span = _pick(unions, rng)
    if span is None or span.union is None:
        return None
    return sound.with_bytes(span.union, span.start, write_long(-1 if rng.integers(2) else 2))


def _replaced(
    sound: Sound, rng: np.random.Generator, kind: str, replacement: bytes
) -> bytes | None:
    """The message with another value in one of its fields of that kind."""
    span = _pick(sound.fields(kind), rng)
    return None if span is None else sound.with_bytes(span.start, span.end, replacement)


def _decimal_over_precision(sound: Sound, rng: np.random.Generator) -> bytes | None:
    # 12 bytes of 0x7f are some 10^28, and no decimal of the stream has more than 13 digits.
    return _replaced(sound, rng, "decimal", write_long(12) + b"\x7f" * 12)


def _int_out_of_range(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return _replaced(sound, rng, "int", write_long(1 << 33))


def _varint_overflow(sound: Sound, rng: np.random.Generator) -> bytes | None:
    return _replaced(sound, rng, "long", b"\xff" * 10 + b"\x01")


MALFORMED: dict[str, _Maker] = {
    "bad_enum_index": _bad_enum_index,
    "bad_magic": _bad_magic,
    "bad_union_index": _bad_union_index,
    "bad_utf8": _bad_utf8,
    "bit_flipped": _bit_flipped,
    "decimal_over_precision": _decimal_over_precision,
    "empty_value": _empty_value,
    "foreign_schema": _foreign_schema,
    "huge_length": _huge_length,
    "int_out_of_range": _int_out_of_range,
    "json_text": _json_text,
    "negative_length": _negative_length,
    "short_header": _short_header,
    "trailing_bytes": _trailing_bytes,
    "truncated": _truncated,
    "unknown_schema_id": _unknown_schema_id,
    "varint_overflow": _varint_overflow,
}
"""Kinds of malformed messages. `bit_flipped` alone may still be sound, with another value."""
