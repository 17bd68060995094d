"""Secrets by reference: flags, configuration and display data hold the reference only."""

from transforms.secrets.keys import DerivedKeys, derived_key, root_key
from transforms.secrets.references import is_reference, resolve, resolve_all

__all__ = [
    "DerivedKeys",
    "derived_key",
    "is_reference",
    "resolve",
    "resolve_all",
    "root_key",
]
