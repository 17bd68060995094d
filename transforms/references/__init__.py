"""References: committed rows that rules and derived columns look up by key and time."""

from transforms.references.joins import (
    check_lookups,
    check_where,
    declared_joins,
    needed_columns,
)
from transforms.references.linked import check_linked, checking_engine, link_functions
from transforms.references.loading import References, ReferenceView, packaged_columns
from transforms.references.snapshot import ReferenceSnapshot, snapshot
from transforms.references.spec import ReferenceSpec, ReferenceSpecs

__all__ = [
    "ReferenceSnapshot",
    "ReferenceSpec",
    "ReferenceSpecs",
    "ReferenceView",
    "References",
    "check_linked",
    "check_lookups",
    "check_where",
    "checking_engine",
    "declared_joins",
    "link_functions",
    "needed_columns",
    "packaged_columns",
    "snapshot",
]
