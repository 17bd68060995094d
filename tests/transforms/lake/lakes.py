"""Lakes in memory to test with."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from tests.fakes.object_store import FakeBucket, FakeObjectStore
from tests.transforms.segments import OWNER
from transforms.lake import CommitChain, LakeManifest, LakeSettings, open_lake
from transforms.lake.genesis import TopicBirth, ensure_genesis
from transforms.lake.lanes import Lane
from transforms.lake.names import PartitionId

LAKE_ID = "lake-1"
CLUSTER = "cluster-1"


class InlinePool(ThreadPoolExecutor):
    """Runs each job at once, in the caller's thread."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)

    def submit(self, fn: Callable[..., None], /, *args, **kwargs) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def new_lake(store: FakeObjectStore) -> LakeManifest:
    return open_lake(store, LakeSettings(), lambda: LAKE_ID)


def born(bucket: FakeBucket, start: int = 0, owner: PartitionId = OWNER) -> FakeObjectStore:
    """Returns a store whose lake knows the topic, with the partition's genesis at ``start``."""
    store = bucket.store()
    starts = {owner.partition: start, 0: start}
    birth = TopicBirth(
        topic=owner.topic,
        topic_id=owner.topic_id,
        cluster_id=CLUSTER,
        how="earliest",
        starts=starts,
    )
    ensure_genesis(store, new_lake(store), birth, starts)
    return bucket.store()


def new_lane(store: FakeObjectStore, owner: PartitionId = OWNER) -> Lane:
    return Lane(CommitChain(store, owner, LAKE_ID), InlinePool())
