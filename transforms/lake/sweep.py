"""Sweeping orphans: data files that no commit names and that none ever will.

By fence, not by age (design, section 2, rule 7; model-checked): the data files are listed first,
then fence and names come from one reading of the chain. A file that no commit names and whose range
starts below the fence can't be committed any more, since each commit starts at the fence. One at or
above the fence may belong to a frozen writer that wakes up, however old it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from transforms.errors import ChainError, ObjectMissingError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectInfo, ObjectStore
from transforms.lake.manifest import require_lake
from transforms.lake.names import DATA, PartitionId, parse_data_key


@dataclass
class SweepPlan:
    """What a sweep would do. It stays right however long it waits: fences only rise.

    Attributes:
        orphans: Files to delete.
        uploads: Unfinished multipart uploads to abort, as ``(key, upload id)``.
        waiting: Files at or above their partition's fence, which may yet be committed.
        ownerless: Keys whose partition has no chain: left.
        unknown: Keys that are no data files of ours: left.
        broken: Per partition whose chain can't be read through, why: its files are left.
    """

    orphans: list[ObjectInfo] = field(default_factory=list)
    uploads: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[ObjectInfo] = field(default_factory=list)
    ownerless: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of the files to delete."""
        return sum(item.size for item in self.orphans)


def plan_sweep(store: ObjectStore) -> SweepPlan:
    """Finds what can be deleted; deletes nothing.

    Raises:
        LakeMismatchError: There is no lake under this root.
    """
    lake = require_lake(store)
    plan = SweepPlan()
    # The order is the proof: what is listed before the chain is read, and that chain doesn't
    # name, was not about to be committed below its fence.
    files = _by_owner(store.walk(DATA), plan)
    uploads = store.unfinished_uploads(DATA)
    for owner in sorted({*files, *_owners(uploads, plan)}):
        mine = [each for each in uploads if _owner(each[0]) == owner]
        _plan_partition(CommitChain(store, owner, lake.lake_id), files.get(owner, ()), mine, plan)
    return plan


def sweep(store: ObjectStore, plan: SweepPlan) -> None:
    """Deletes what the plan says. Safe to repeat; writers and readers may be at work."""
    store.delete([item.key for item in plan.orphans])
    for key, upload_id in plan.uploads:
        try:
            store.abort_upload(key, upload_id)
        except ObjectMissingError:
            continue  # Its writer has completed or aborted it meanwhile.


def _plan_partition(
    chain: CommitChain,
    files: Sequence[ObjectInfo],
    uploads: Sequence[tuple[str, str]],
    plan: SweepPlan,
) -> None:
    unnamed = {item.key: item for item in files}
    try:
        fence = _fence(chain, unnamed)
    except (ChainError, ObjectMissingError) as error:
        plan.broken[str(chain.owner)] = error.what
        return
    if fence is None:
        plan.ownerless.extend([*unnamed, *(key for key, _ in uploads)])
        return
    for item in unnamed.values():
        (plan.orphans if _start(item.key) < fence else plan.waiting).append(item)
    plan.uploads.extend(each for each in uploads if _start(each[0]) < fence)


def _fence(chain: CommitChain, unnamed: dict[str, ObjectInfo]) -> int | None:
    """Reads a chain once: returns its fence, and takes the names that it holds out of a dict.

    Raises:
        ChainError: A link doesn't follow from the one before, so the names may not be all.
    """
    before: Tail | None = None
    for tail in chain.read_from():
        if before is not None and (tail.commit.start, tail.commit.prev) != (
            before.fence,
            before.sha256,
        ):
            raise ChainError(f"{tail.commit.key} does not follow from the commit before")
        for file in tail.commit.files:
            unnamed.pop(file.key, None)
        before = tail
    return before.fence if before else None


def _by_owner(items: Iterable[ObjectInfo], plan: SweepPlan) -> dict[PartitionId, list[ObjectInfo]]:
    files: dict[PartitionId, list[ObjectInfo]] = {}
    for item in items:
        owner = _owner(item.key)
        if owner is None:
            plan.unknown.append(item.key)
        else:
            files.setdefault(owner, []).append(item)
    return files


def _owners(uploads: Iterable[tuple[str, str]], plan: SweepPlan) -> Iterator[PartitionId]:
    for key, _ in uploads:
        owner = _owner(key)
        if owner is None:
            plan.unknown.append(key)
        else:
            yield owner


def _owner(key: str) -> PartitionId | None:
    name = parse_data_key(key)
    return name.owner if name else None


def _start(key: str) -> int:
    name = parse_data_key(key)
    assert name is not None  # Its owner was taken from the same name.
    return name.start
