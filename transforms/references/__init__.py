"""References: committed rows that rules and derived columns look up by key and time."""

from transforms.references.spec import ReferenceSpec, ReferenceSpecs

__all__ = ["ReferenceSpec", "ReferenceSpecs"]
