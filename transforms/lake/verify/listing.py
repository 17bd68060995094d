"""What stands under ``_commits/``: chains, and what doesn't belong there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.lake.client import ObjectStore
from transforms.lake.names import COMMITS, PartitionId

# Numbers without leading zeros: a key that differs from the one we write is not ours.
_COMMIT = re.compile(
    r"_commits/(?P<topic>[^/]+)/(?P<topic_id>[A-Za-z0-9_-]+)/(?P<partition>0|[1-9]\d{0,9})"
    r"/(?P<seq>\d{20})\.json"
)


@dataclass(frozen=True)
class CommitListing:
    """The commits' keys, sorted out.

    Attributes:
        chains: Per partition the numbers that are taken, ascending.
        foreign: Keys that are none of ours.
    """

    chains: Mapping[PartitionId, Sequence[int]]
    foreign: Sequence[str]


def list_commits(store: ObjectStore) -> CommitListing:
    """Lists everything below ``_commits/``."""
    chains: dict[PartitionId, list[int]] = {}
    foreign: list[str] = []
    for item in store.walk(COMMITS):
        found = parse_commit_key(item.key)
        if found is None:
            foreign.append(item.key)
        else:
            chains.setdefault(found[0], []).append(found[1])
    ordered = {owner: sorted(chains[owner]) for owner in sorted(chains)}
    return CommitListing(ordered, sorted(foreign))


def parse_commit_key(key: str) -> tuple[PartitionId, int] | None:
    """Returns the partition and number that a commit's key says, or None if it is not one."""
    match = _COMMIT.fullmatch(key)
    if match is None:
        return None
    owner = PartitionId(match["topic"], match["topic_id"], int(match["partition"]))
    return owner, int(match["seq"])
