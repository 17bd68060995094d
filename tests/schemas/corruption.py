"""Ways to spoil a datum, each as a function of the datum and a seeded generator."""

import random
from collections.abc import Callable

from tests.schemas.encoding import varint

Spoil = Callable[[bytes, random.Random], bytes]


def truncate(datum: bytes, rng: random.Random) -> bytes:
    """Cuts the end off."""
    return datum[: rng.randrange(len(datum) or 1)]


def extend(datum: bytes, rng: random.Random) -> bytes:
    """Adds bytes at the end."""
    return datum + rng.randbytes(rng.randint(1, 12))


def flip_bits(datum: bytes, rng: random.Random) -> bytes:
    """Flips one to three bits."""
    spoiled = bytearray(datum or b"\x00")
    for _ in range(rng.randint(1, 3)):
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
    return bytes(spoiled)


def insert(datum: bytes, rng: random.Random) -> bytes:
    """Puts a byte somewhere inside."""
    at = rng.randint(0, len(datum))
    return datum[:at] + rng.randbytes(1) + datum[at:]


def drop(datum: bytes, rng: random.Random) -> bytes:
    """Takes a byte out."""
    at = rng.randrange(len(datum) or 1)
    return datum[:at] + datum[at + 1 :]


def huge_number(datum: bytes, rng: random.Random) -> bytes:
    """Overwrites a byte with a varint that is huge, as a length, an index or a count would be."""
    at = rng.randint(0, len(datum))
    sizes = [1 << 62, -(1 << 63), 1 << 31, -1, 1 << 20, -(1 << 40)]
    number = rng.choice([varint(rng.choice(sizes)), b"\xff" * 11, b"\xff" * 9 + b"\x01"])
    return datum[:at] + number + datum[at + 1 :]


def empty(datum: bytes, rng: random.Random) -> bytes:
    """Leaves nothing."""
    return b""


def foreign(datum: bytes, rng: random.Random) -> bytes:
    """Replaces the datum by bytes that mean something else."""
    return rng.randbytes(rng.randint(1, 2 * len(datum) + 8))


ALL: list[Spoil] = [truncate, extend, flip_bits, insert, drop, huge_number, empty, foreign]


def spoil(datum: bytes, rng: random.Random) -> bytes:
    """Spoils a datum in a way chosen at random."""
    return rng.choice(ALL)(datum, rng)
