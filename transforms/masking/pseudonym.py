"""The action ``pseudonym``: a keyed code instead of an identifier.

``"v3:" + base32(HMAC-SHA256(K, normalized)[:16])``: RFC 2104, and RFC 4648 section 6 in lower case
without padding. ``K`` belongs to one domain, policy and class (see ``keys``); 128 bits make a
collision negligible; the key's version stands in front, so that a rotation shows.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.identifiers import KeyedHash, Remembered, normalized
from transforms.masking.distinct import by_distinct

#: Bytes of the code that are kept of the 32.
CODE_BYTES: Final = 16

_DIGITS: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_WEIGHTS: Final = np.array([16, 8, 4, 2, 1], np.uint8)


class Pseudonyms:
    """Makes the pseudonyms of one class.

    Args:
        key: The class's key, 32 bytes.
        version: The root key's version.
    """

    def __init__(self, key: bytes, version: int) -> None:
        self._hash = KeyedHash(key)
        self._prefix = np.frombuffer(f"v{version}:".encode(), np.uint8)
        self._codes = Remembered(self._of_texts)

    def mask(self, column: pa.Array) -> pa.Array:
        """Returns pseudonyms as a dictionary of text; null for null and blank."""
        return by_distinct(column, self._of_distinct)

    def _of_distinct(self, distinct: pa.Array) -> pa.Array:
        codes = self._codes.of(distinct.fill_null("").to_pylist())
        blank = np.fromiter((not code for code in codes), np.bool_, len(codes))
        packed = b"".join(code or bytes(CODE_BYTES) for code in codes)
        return pc.if_else(pa.array(~blank), self._texts(packed), pa.scalar(None, pa.string()))

    def _of_texts(self, texts: Sequence[str]) -> list[bytes]:
        plain = [normalized(text) for text in texts]
        digests = self._hash.digests(text.encode() for text in plain)
        return [
            digest[:CODE_BYTES] if text else b""
            for text, digest in zip(plain, digests, strict=True)
        ]

    def _texts(self, packed: bytes) -> pa.Array:
        """Writes the texts of all codes at once: one by one they would cost as much as the HMAC."""
        digits = base32(np.frombuffer(packed, np.uint8).reshape(-1, CODE_BYTES))
        count, prefix = len(digits), len(self._prefix)
        text = np.empty((count, prefix + digits.shape[1]), np.uint8)
        text[:, :prefix] = self._prefix
        text[:, prefix:] = digits
        ends = np.arange(count + 1, dtype=np.int32) * text.shape[1]
        return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(text))


def base32(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Returns the base32 digits of codes, lower case, without padding.

    Args:
        codes: uint8 of shape (codes, bytes).

    Returns:
        ASCII digits, uint8 of shape (codes, ceil(bytes * 8 / 5)).
    """
    bits = np.unpackbits(codes, axis=1)
    whole = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 5)))
    groups: np.ndarray[Any, Any] = whole.reshape(len(codes), whole.shape[1] // 5, 5)
    digits: np.ndarray[Any, Any] = _DIGITS[groups @ _WEIGHTS]
    return digits
