"""References: committed rows that rules and derived columns look up by key and time."""

from transforms.references.joins import check_lookups, declared_joins, needed_columns
from transforms.references.loading import References, packaged_columns
from transforms.references.snapshot import ReferenceSnapshot, snapshot
from transforms.references.spec import ReferenceSpec, ReferenceSpecs

__all__ = [
    "ReferenceSnapshot",
    "ReferenceSpec",
    "ReferenceSpecs",
    "References",
    "check_lookups",
    "declared_joins",
    "needed_columns",
    "packaged_columns",
    "snapshot",
]
