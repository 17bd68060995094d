"""What is checked before anything is touched."""

from collections.abc import Mapping
from dataclasses import dataclass

from beam_pipelines.pharmacy.pipeline import PharmacyJob
from schemas.errors import RegistryUnavailableError
from schemas.registries import open_registry
from transforms.errors import PipelineError, RefusedError
from transforms.kafka import (
    Broker,
    TopicFacts,
    check_log_reaches,
    check_topics,
    fences,
    read_topics,
)
from transforms.lake import LakeManifest, ObjectStore, PartitionId, check_lake, find_lake
from transforms.masking import MaskPlan
from transforms.quality.sealing import Seal
from transforms.secrets import resolve, resolve_all

#: Long enough for a busy broker, short enough for somebody who mistyped its address.
PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a run finds before it starts.

    Attributes:
        topics: The topics as the cluster describes them.
        fences: Where each partition goes on; None where it has no chain yet.
        ends: Last stable offset of each partition.
        open: Messages behind the last stable offset, in transactions that are still open.
    """

    topics: tuple[TopicFacts, ...]
    fences: Mapping[PartitionId, int | None]
    ends: Mapping[PartitionId, int]
    open: Mapping[PartitionId, int]

    @property
    def nothing_new(self) -> bool:
        """Whether every partition has a chain that reaches its end."""
        return not self.new()

    def new(self) -> list[PartitionId]:
        """Returns the partitions that have no chain, or none that reaches their end."""
        return [p for p in self.ends if self.fences[p] is None or self.fences[p] != self.ends[p]]


def preflight(job: PharmacyJob, store: ObjectStore) -> Work:
    """Checks everything that can be checked from here; touches nothing.

    Raises:
        RefusedError: Says what is wrong and what to do.
    """
    Seal(resolve(job.config.dead_letters.key))
    MaskPlan.resolved(job.chain.masks)
    store.check_reachable()
    lake = find_lake(store)
    if lake is not None:
        check_lake(lake, job.lake(), store.root)
    _check_registry(job)
    try:
        return _look(job, store, lake)
    except PipelineError as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(error.what, error.remedy) from error


def _look(job: PharmacyJob, store: ObjectStore, lake: LakeManifest | None) -> Work:
    broker = Broker(job.broker(), patience_s=PATIENCE_S)
    broker.check_reachable()
    names = read_topics(broker, job.names)
    for name in names:
        job.config.dataset_of(name)
    topics = check_topics(broker, store, lake, names)
    marks: dict[PartitionId, int | None] = {}
    ends: dict[PartitionId, int] = {}
    behind: dict[PartitionId, int] = {}
    for facts in topics:
        known, stable = fences(store, lake, facts), broker.stable_end(facts)
        high = broker.high_watermark(facts)
        for p in facts.partitions:
            fence = known.get(p)
            check_log_reaches(facts, p, fence or 0, stable[p])
            owner = PartitionId(facts.topic, facts.topic_id, p)
            marks[owner], ends[owner] = fence, stable[p]
            behind[owner] = high[p] - stable[p]
        if not any(fence is not None for fence in known.values()):
            job.start.resolve(broker, facts)  # An offsets file that can't be used is refused now.
    return Work(topics=tuple(topics), fences=marks, ends=ends, open=behind)


def _check_registry(job: PharmacyJob) -> None:
    registry = job.config.registry
    try:
        open_registry(registry.url, **resolve_all(registry.settings)).subjects()
    except RegistryUnavailableError as error:
        raise RefusedError(
            f"{error.registry} does not answer ({error.reason})", "Check registry.url"
        ) from error
