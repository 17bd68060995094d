"""Keys of masks: one root per key version, one derived key per domain, policy and purpose.

HKDF-SHA256 (RFC 5869) with ``info = "domain|policy|purpose"``. The purpose is the field's class, so
that the ids of one class join across datasets and those of different classes never do.
"""

from transforms.secrets import DerivedKeys, root_key


class MaskKeys(DerivedKeys):
    """The keys of one policy in one domain, by purpose: a field's class, or ``date shift``.

    Args:
        root: The root key, 32 bytes as Base64 or hexadecimal text.
        version: The root's version, as pinned in the configuration.
        domain: Pseudonyms join within a domain, never across two.
        policy: The masking policy.

    Raises:
        SecretError: The root is no such text. The message doesn't hold it.
    """

    def __init__(self, root: str, *, version: int, domain: str, policy: str) -> None:
        super().__init__(root_key(root, "the masking key"), f"{domain}|{policy}", check="key check")
        self.version = version
