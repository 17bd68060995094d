"""Keys of masks: one root per key version, one derived key per domain, policy and purpose.

HKDF-SHA256 (RFC 5869) with ``info = "domain|policy|purpose"``. The purpose is the field's class, so
that the ids of one class join across datasets and those of different classes never do.
"""

from typing import Final

from transforms.secrets import derived_key, root_key

#: Four bytes tell two keys apart and tell nothing of either.
_CHECK_BYTES: Final = 4


class MaskKeys:
    """The keys of one policy in one domain. Never pickled.

    Args:
        root: The root key, 32 bytes as Base64 or hexadecimal text.
        version: The root's version, as pinned in the configuration.
        domain: Pseudonyms join within a domain, never across two.
        policy: The masking policy.

    Raises:
        SecretError: The root is no such text. The message doesn't hold it.
    """

    def __init__(self, root: str, *, version: int, domain: str, policy: str) -> None:
        self._root = root_key(root, "the masking key")
        self._place = f"{domain}|{policy}"
        self.version = version
        #: Names the root in each commit, so that another key under the same version is noticed.
        self.check = self.derive("key check")[:_CHECK_BYTES].hex()

    def derive(self, purpose: str) -> bytes:
        """Returns the key of a purpose: a field's class, or ``date shift``; 32 bytes."""
        info = f"{self._place}|{purpose}".encode()
        return derived_key(self._root, info)

    def __reduce__(self) -> str:
        raise TypeError("keys are never pickled: resolve the reference on the worker")

    def __repr__(self) -> str:
        return f"MaskKeys(version={self.version}, check={self.check})"
