"""Where the tables of a warehouse stand in the lake's chains."""

from transforms.lake import CommitChain, ObjectStore, PartitionId
from transforms.lake.read import owners
from transforms.lake.verify import Breach
from transforms.redshift.fences import Fence, Fences
from transforms.redshift.partials import PartialsTable
from transforms.redshift.raw import RawTable
from transforms.segment import Range


def standing(
    store: ObjectStore, lake_id: str, table: RawTable | PartialsTable, fences: Fences
) -> tuple[dict[PartitionId, Fence], list[Breach]]:
    """Returns a table's fences that are commits of the lake's chains, and a breach for each other.

    Args:
        store: The lake's objects.
        lake_id: Its id.
        table: The table.
        fences: All fences.
    """
    found: dict[PartitionId, Fence] = {}
    broken: list[Breach] = []
    known = set(owners(store, table.topics))
    for (owner, name), fence in fences.items():
        if name != table.table:
            continue
        if owner not in known:
            broken.append(breach(name, owner, "its fence is of a partition of no chain"))
        elif not _stands(CommitChain(store, owner, lake_id), fence):
            broken.append(breach(name, owner, "its fence is not a commit of the chain"))
        else:
            found[owner] = fence
    return found, broken


def breach(table: str, owner: PartitionId, what: str, offsets: Range | None = None) -> Breach:
    """Returns what is wrong with a partition in a table."""
    return Breach(rule="warehouse", what=f"{table}: {what}", chain=str(owner), offsets=offsets)


def _stands(chain: CommitChain, fence: Fence) -> bool:
    tail = chain.reload()
    if tail is None or tail.commit.seq < fence.seq:
        return False
    return chain.read(fence.seq).sha256 == fence.sha256
