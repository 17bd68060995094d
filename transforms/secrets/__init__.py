"""Secrets by reference: flags, configuration and display data hold the reference only."""

from transforms.secrets.references import is_reference, resolve, resolve_all

__all__ = ["is_reference", "resolve", "resolve_all"]
