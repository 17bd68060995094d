"""Texts in all their disguises, found in one pass over a buffer.

A canary is looked for as it is, in any case, with its spaces and punctuation taken out or replaced,
in UTF-16, hexadecimal and Base64 (a text within a longer one begins at one of three places of a
group of four characters), and as an unsalted MD5, SHA-1 or SHA-256 of its field's value: what a
weak pseudonym is.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from beam_pipelines.canary.manifest import Canary

ENCODINGS: Final = (
    "text", "separated", "utf-16", "hex", "base64", "md5", "sha1", "sha256",
)  # fmt: skip

# What of a long pattern is looked for; the rest is compared where that is found. It keeps the
# automaton small: digests of all variants would otherwise be most of it.
_STEM: Final = 8
_PUNCTUATION: Final = bytes(b for b in range(128) if not chr(b).isalnum())
# Separators that may stand between two characters: an SSN is 999-01-0001, 999 01 0001, 999010001.
# No end of a line: it would make one number of two neighbors in a column.
_SEPARATORS: Final = rb"[^0-9a-z\r\n]{0,3}"


@dataclass(frozen=True, order=True)
class Sighting:
    """A canary in a buffer.

    Attributes:
        number: The canary's number.
        encoding: One of ``ENCODINGS``.
    """

    number: int
    encoding: str


@dataclass(frozen=True)
class _Needle:
    canary: int
    encoding: str
    pattern: bytes
    digits: bool = False

    def is_whole(self, buffer: bytes, start: int) -> bool:
        """Whether what stands there is no part of a longer number."""
        end = start + len(self.pattern)
        around = buffer[max(0, start - 1) : start] + buffer[end : end + 1]
        return not (self.digits and any(48 <= byte <= 57 for byte in around))


class Needles:
    """Finds canaries in buffers.

    Args:
        canaries: What to look for. Numbers of digits only must not be part of longer ones.
    """

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._cased = _Automaton(needle for each in canaries for needle in _cased(each))
        self._lower = _Automaton(needle for each in canaries for needle in _lower(each))
        self._squeezed = _Automaton(_squeezed(each) for each in canaries)
        self._separated = {each.number: _with_separators(each) for each in canaries}

    def search(self, buffer: bytes) -> set[Sighting]:
        """Returns all canaries in a buffer, each encoding once.

        Args:
            buffer: Bytes of any kind. Values of a column are set apart by a line feed.
        """
        found = self._cased.search(buffer)
        lower = buffer.lower()
        found |= self._lower.search(lower)
        plain = {each.number for each in found if each.encoding == "text"}
        for each in self._squeezed.search(lower.translate(None, _PUNCTUATION)):
            # Taking out separators joins neighbors, so it finds what may be there: proven here.
            if each.number not in plain and self._separated[each.number].search(lower):
                found.add(each)
        return found


class _Automaton:
    def __init__(self, needles: Iterator[_Needle]) -> None:
        # By stem, then by length: many canaries begin alike.
        self._by_stem: dict[bytes, dict[int, dict[bytes, list[_Needle]]]] = {}
        for needle in needles:
            lengths = self._by_stem.setdefault(needle.pattern[:_STEM], {})
            lengths.setdefault(len(needle.pattern), {}).setdefault(needle.pattern, []).append(
                needle
            )
        self._stems = list(self._by_stem)
        self._automaton = BytesAhoCorasick(self._stems, implementation=Implementation.DFA)

    def search(self, buffer: bytes) -> set[Sighting]:
        found: set[Sighting] = set()
        for stem, start, _ in self._automaton.find_matches_as_indexes(buffer, overlapping=True):
            for length, patterns in self._by_stem[self._stems[stem]].items():
                for needle in patterns.get(buffer[start : start + length], ()):
                    if needle.is_whole(buffer, start):
                        found.add(Sighting(needle.canary, needle.encoding))
        return found


def _variants(text: str) -> set[str]:
    squeezed = _without_punctuation(text)
    return {each for t in (text, squeezed) for each in (t, t.lower(), t.upper())}


def _without_punctuation(text: str) -> str:
    return text.encode().translate(None, _PUNCTUATION).decode()


def _cased(canary: Canary) -> Iterator[_Needle]:
    """What is looked for in the buffer as it is."""
    for variant in _variants(canary.text):
        for pattern in _base64_parts(variant.encode()):
            yield _Needle(canary.number, "base64", pattern)


def _lower(canary: Canary) -> Iterator[_Needle]:
    """What is looked for in the buffer in lower case."""
    lower = canary.text.lower()
    yield _Needle(canary.number, "text", lower.encode(), digits=_is_number(lower))
    for text in {lower, _without_punctuation(lower)}:
        # Little-endian; the bytes of big-endian text hold them too, one place on.
        yield _Needle(canary.number, "utf-16", b"\x00".join(t.encode() for t in text))
    for variant in _variants(canary.text):
        yield _Needle(canary.number, "hex", variant.encode().hex().encode())
    for variant in _variants(canary.text) | _variants(canary.value):
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, variant.encode(), usedforsecurity=False)
            yield _Needle(canary.number, name, digest.hexdigest().encode())


def _squeezed(canary: Canary) -> _Needle:
    """What is looked for in the buffer in lower case without punctuation."""
    return _Needle(canary.number, "separated", _without_punctuation(canary.text.lower()).encode())


def _with_separators(canary: Canary) -> re.Pattern[bytes]:
    text = _without_punctuation(canary.text.lower())
    pattern = _SEPARATORS.join(re.escape(letter).encode() for letter in text)
    return re.compile(rb"(?<![0-9])" + pattern + rb"(?![0-9])" if _is_number(text) else pattern)


def _is_number(text: str) -> bool:
    return _without_punctuation(text).isdigit()


def _base64_parts(text: bytes) -> set[bytes]:
    """The characters of Base64 that depend on the text alone, for each of its three places.

    Both alphabets of RFC 4648, sections 4 and 5.
    """
    parts = set()
    for before in range(3):
        encoded = base64.b64encode(b"\x00" * before + text).rstrip(b"=")
        first = -(-before * 8 // 6)
        last = (before + len(text)) * 8 // 6
        part = encoded[first:last]
        parts |= {part, part.replace(b"+", b"-").replace(b"/", b"_")}
    return parts
