"""A lane: one partition as this process sees it. What reader and sink of a fused stage share.

The fence rules the reader: a segment begins at the fence, which is read from the chain when a
partition is assigned and after any loss, and is otherwise the end of one's own last commit. Reader
and sink are fused into one stage of one process, so they meet here: the sink hands its writing to
the lane's thread, the reader fetches the next messages meanwhile, and waits for the lane before it
gives out the next segment. So at most one segment of a partition is in flight.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from transforms.errors import ContentionError, PipelineError, RefusedError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.figures import tell_commit
from transforms.lake.names import PartitionId
from transforms.lake.settings import StoreSettings
from transforms.metrics import Box

#: Two writers that keep losing to each other must not go on for ever.
MAX_FOREIGN_COMMITS: Final = 5


@dataclass(frozen=True, kw_only=True)
class PartitionOutcome:
    """What a run did to one partition; small, it travels to the run's report.

    Attributes:
        topic: Topic name.
        topic_id: Kafka's id of the topic.
        partition: Partition number.
        wanted: The end that the run set out to reach; 0 where it failed before that was known,
            and partition 0 may then stand for the whole topic.
        fence: How far the partition has durably come.
        messages: Messages that this run committed.
        dispositions: Their counts by disposition.
        gaps: Ranges that the broker had deleted before they could be read.
        failure: ``refused``, ``contention`` or ``failed``; empty if all went well.
        reason: What went wrong, in one sentence without values of the data.
    """

    topic: str
    topic_id: str
    partition: int
    wanted: int
    fence: int
    messages: int = 0
    dispositions: dict[str, int] = field(default_factory=dict)
    gaps: tuple[tuple[int, int], ...] = ()
    failure: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return asdict(self)


class Lane:
    """One partition's chain, the segment in flight, and what this run did so far.

    All methods may be called from any thread.

    Attributes:
        chain: The partition's commits.
        box: The figures that writing has told and that no step has handed over to Beam yet.
        failure: What stopped the partition, if anything did.
    """

    def __init__(self, chain: CommitChain, pool: ThreadPoolExecutor) -> None:
        self.chain = chain
        self.box = Box()
        self._pool = pool
        self._lock = threading.RLock()
        self._in_flight: Future[None] | None = None
        self.failure: Exception | None = None
        self._clear(wanted=0)

    def begin(self, wanted: int) -> None:
        """Starts a run on the partition: waits for an earlier one, reads the fence anew."""
        with self._lock:
            if self._in_flight is not None:
                self.wait()
            self._clear(wanted)
            self.chain.reload()

    def resume(self) -> None:
        """Goes on after a failure, as a stream does: reads the fence anew, keeps the counts."""
        with self._lock:
            self.wait()
            self.failure = None
            self._foreign = 0
            self.chain.reload()

    def _clear(self, wanted: int) -> None:
        self.failure = None
        self._wanted = wanted
        self._foreign = 0
        self._messages = 0
        self._dispositions: dict[str, int] = {}
        self._gaps: list[tuple[int, int]] = []
        self._touched = False

    @property
    def fence(self) -> int:
        """The next offset to read, as far as this process knows; only after ``begin``."""
        tail = self.chain.tail()
        if tail is None:
            raise PipelineError(f"{self.chain.owner} has no genesis", "Start the run anew")
        return tail.fence

    def submit(self, job: Callable[[], None]) -> None:
        """Runs a write in the lane's thread, after the one before it."""
        with self._lock:
            self.wait()
            self._in_flight = self._pool.submit(self._run, job)

    def wait(self) -> bool:
        """Waits until nothing is in flight; False if the lane has failed."""
        with self._lock:
            if self._in_flight is not None:
                self._in_flight.result()  # _run keeps the failure, it raises nothing.
                self._in_flight = None
            return self.failure is None

    def fail(self, error: Exception) -> None:
        """Stops the partition for this run; the others go on."""
        self._touched = True
        self.failure = self.failure or error

    def reject(self, error: Exception) -> None:
        """Ends a run on the partition before it has begun."""
        with self._lock:
            self.wait()
            self._clear(wanted=0)
            self.fail(error)

    def won(self, tail: Tail) -> None:
        """Counts a commit of one's own."""
        self._foreign = 0
        self._touched = True
        commit = tail.commit
        tell_commit(commit, time.time())
        self._messages += commit.messages
        self._gaps.extend(commit.gaps)
        for name, counts in commit.dispositions.items():
            self._dispositions[name] = self._dispositions.get(name, 0) + sum(counts.values())

    def lost(self, winner: str) -> None:
        """Counts a commit of another writer.

        Raises:
            ContentionError: It was the fifth in a row.
        """
        self._foreign += 1
        if self._foreign >= MAX_FOREIGN_COMMITS:
            raise ContentionError(
                f"the writer {winner} took {self._foreign} commits of {self.chain.owner} in a row",
                "Stop one of the two pipelines",
            )

    def outcome(self) -> PartitionOutcome | None:
        """Returns what the run did to the partition, once; None if nothing since."""
        with self._lock:
            if not self._touched:
                return None
            self._touched = False
            # No look at the store: it may be what failed, and the report must still be made.
            owner, tail = self.chain.owner, self.chain.remembered
            outcome = PartitionOutcome(
                topic=owner.topic,
                topic_id=owner.topic_id,
                partition=owner.partition,
                wanted=self._wanted,
                fence=tail.fence if tail else 0,
                messages=self._messages,
                dispositions=dict(self._dispositions),
                gaps=tuple(self._gaps),
                failure=_kind(self.failure),
                reason=reason_of(self.failure) if self.failure else "",
            )
            self._messages, self._dispositions, self._gaps = 0, {}, []
            return outcome

    def _run(self, job: Callable[[], None]) -> None:
        try:
            with self.box:
                job()
        except Exception as error:  # noqa: BLE001 - kept for the reader, reported in the outcome
            self.fail(error)


def _kind(failure: Exception | None) -> str:
    if failure is None:
        return ""
    if isinstance(failure, ContentionError):
        return "contention"
    return "refused" if isinstance(failure, RefusedError) else "failed"


def reason_of(failure: Exception) -> str:
    """Returns what may be told of a failure: only our own errors are known to hold no value."""
    return str(failure) if isinstance(failure, PipelineError) else type(failure).__name__


_lanes: dict[tuple[str, StoreSettings, PartitionId], Lane] = {}
_lanes_lock = threading.Lock()
#: Writing is waiting for S3 and compressing Parquet; both leave the interpreter to the reader.
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="lake-writer")


def lane(store: ObjectStore, owner: PartitionId, lake_id: str) -> Lane:
    """Returns this process's lane of a partition, the same one for reader and sink."""
    key = (store.root, store.settings, owner)
    with _lanes_lock:
        if key not in _lanes or _lanes[key].chain.lake_id != lake_id:
            _lanes[key] = Lane(CommitChain(store, owner, lake_id), _pool)
        return _lanes[key]


def outcomes(root: str) -> list[PartitionOutcome]:
    """Waits for this process's lanes of a lake and returns what they did since the last call.

    Their figures are handed over to the step that calls.
    """
    with _lanes_lock:
        mine = [lane for (lake, _, _), lane in _lanes.items() if lake == root]
    for each in mine:
        each.wait()
        each.box.hand_over()
    return [outcome for each in mine if (outcome := each.outcome()) is not None]
