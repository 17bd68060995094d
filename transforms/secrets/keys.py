"""Root keys as texts, and the keys that are derived of them."""

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from transforms.errors import SecretError

_KEY_BYTES: Final = 32
#: Four bytes tell two roots apart and tell nothing of either.
_CHECK_BYTES: Final = 4


def root_key(text: str, what: str) -> bytes:
    """Returns the 32 bytes of a key that is given as Base64 or hexadecimal text.

    Args:
        text: The key's text.
        what: Names the key for people, such as ``the masking key``.

    Raises:
        SecretError: It is neither. The message doesn't hold it.
    """
    for decode in (bytes.fromhex, lambda t: base64.b64decode(t, validate=True)):
        try:
            key = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            return key
    raise SecretError(
        f"{what} must be 32 bytes as Base64 or hexadecimal text",
        "Make one: python -c 'import secrets; print(secrets.token_hex(32))'",
    )


def derived_key(root: bytes, info: bytes) -> bytes:
    """Returns the key of 32 bytes for a purpose: HKDF-SHA256 (RFC 5869) without a salt."""
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(root)


class DerivedKeys:
    """The keys of all purposes that are derived of one root in one place. Never pickled.

    Args:
        root: The root key, 32 bytes.
        place: Stands before each purpose, with ``|`` between: keys of two places differ.
        check: The purpose whose key gives the check value.

    Attributes:
        check: Names the root in each commit, so that another one is noticed.
    """

    def __init__(self, root: bytes, place: str, *, check: str) -> None:
        self._root = root
        self._place = place
        self.check = self.derive(check)[:_CHECK_BYTES].hex()

    def derive(self, purpose: str) -> bytes:
        """Returns the key of a purpose, 32 bytes."""
        return derived_key(self._root, f"{self._place}|{purpose}".encode())

    def __reduce__(self) -> str:
        raise TypeError("keys are never pickled: resolve the reference on the worker")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(check={self.check})"
