"""Secrets by reference: flags, configuration and display data hold the reference only."""

from transforms.secrets.keys import derived_key, root_key
from transforms.secrets.references import is_reference, resolve, resolve_all

__all__ = ["derived_key", "is_reference", "resolve", "resolve_all", "root_key"]
