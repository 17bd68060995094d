"""Root keys as texts, and the keys that are derived of them."""

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from transforms.errors import SecretError

_KEY_BYTES: Final = 32


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
