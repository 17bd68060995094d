"""Which commits of the reference datasets count: the same ones for every worker of a run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from transforms.lake import CommitChain, ObjectStore, PartitionId, find_lake
from transforms.lake.names import DATA, parse_data_key


@dataclass(frozen=True, kw_only=True)
class ReferenceSnapshot:
    """How far the reference datasets had come when a run began.

    Attributes:
        fences: Per partition the offset below which commits count. Partitions that are not named
            don't count.
    """

    fences: Mapping[PartitionId, int] = field(default_factory=dict)


def snapshot(store: ObjectStore, datasets: Iterable[str]) -> ReferenceSnapshot:
    """Returns how far some datasets have come by now.

    To be taken by the launcher when the reference topics are drained, and given to every worker:
    each sees the same references then, whatever is committed meanwhile.

    Args:
        store: The lake's objects. Where there is no lake yet, nothing counts.
        datasets: The datasets that hold references.
    """
    lake = find_lake(store)
    if lake is None:
        return ReferenceSnapshot()
    fences = {}
    for owner in sorted({owner for name in datasets for owner in _owners(store, name)}):
        tail = CommitChain(store, owner, lake.lake_id).tail()
        if tail is not None:
            fences[owner] = tail.fence
    return ReferenceSnapshot(fences=fences)


def _owners(store: ObjectStore, dataset: str) -> Iterator[PartitionId]:
    # Names of files tell whose chains to walk: those of the big topics are left alone. A file that
    # no commit names does no harm here.
    for item in store.walk(f"{DATA}{dataset}/"):
        name = parse_data_key(item.key)
        if name is not None:
            yield name.owner
