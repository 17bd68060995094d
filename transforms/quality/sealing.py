"""Sealing bytes with AES-256-GCM under a data key.

The nonce is not drawn but derived: HMAC-SHA256, under a key of its own, over the associated data
and the plaintext, as in a synthetic IV (RFC 5297, section 1.3.2). So a replay of the same message
gives the same bytes, which content-named files need, and a nonce repeats only where everything
repeats. Two equal messages at one place are the only thing that equal ciphertexts tell.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from transforms.errors import SecretError
from transforms.secrets import derived_key, root_key

_NONCE_BYTES = 12


class Seal:
    """Seals and opens bytes.

    Args:
        key: 32 bytes as Base64 or hexadecimal text.

    Raises:
        SecretError: It is neither.
    """

    def __init__(self, key: str) -> None:
        root = root_key(key, "the dead-letter key")
        self._cipher = AESGCM(derived_key(root, b"pharmabeam dead letter encryption v1"))
        self._nonce_key = derived_key(root, b"pharmabeam dead letter nonce v1")
        # Names the key without telling anything of it, so that a wrong one is noticed by name.
        self.key_id = derived_key(root, b"pharmabeam dead letter key id v1")[:8].hex()

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Returns nonce and ciphertext; ``context`` is bound to it but not in it."""
        message = len(context).to_bytes(8, "big") + context + plaintext
        nonce = hmac.digest(self._nonce_key, message, hashlib.sha256)[:_NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Returns the plaintext.

        Raises:
            SecretError: Another key, another context, or a damaged seal.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise SecretError(
                "a dead letter does not open", "Its key is another one, or the file was damaged"
            ) from error
