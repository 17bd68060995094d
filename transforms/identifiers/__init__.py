"""Identifiers of people and things: their one spelling, keyed hashes of them, and links."""

from transforms.identifiers.canonical import canonical, has_canonical
from transforms.identifiers.keyed_hash import KeyedHash
from transforms.identifiers.links import LINK_TYPE, Link, LinkKeys, Links
from transforms.identifiers.remembered import Remembered
from transforms.identifiers.spelling import normalized

__all__ = [
    "LINK_TYPE",
    "KeyedHash",
    "Link",
    "LinkKeys",
    "Links",
    "Remembered",
    "canonical",
    "has_canonical",
    "normalized",
]
