"""``ReadCommits``: the commit log, which all downstream of the lake reads."""

from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from transforms.lake.chain import CommitChain
from transforms.lake.client import ObjectStore
from transforms.lake.commit_batches import CommitBatch, ReadCommitsConfig, read_batch
from transforms.lake.commit_starts import start_of
from transforms.lake.commit_stream import StreamCommitsFn, WatchChains
from transforms.lake.manifest import require_lake
from transforms.lake.new_commits import chain_ends, new_commits


class ReadCommits(beam.PTransform[PBegin, PCollection[CommitBatch]]):
    """Reads the commits of a lake from a position on.

    A drain is bounded, and not parallel: it stops at the ends that it finds at its start, and keeps
    the order of all partitions. A stream is unbounded and parallel over partitions, each batch of
    one partition; it needs a runner that has unbounded splittable DoFns and lets them defer: Flink.

    Guarantees: of each partition all commits from the position on, in order, each once per run. A
    drain's retry reads the same commits again, perhaps in other batches, so whoever applies them
    outside the runner must keep a fence. A stream's position is part of the runner's checkpoint,
    together with the state of what was made of the commits.

    Args:
        config: What to read.
    """

    def __init__(self, config: ReadCommitsConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, pbegin: PBegin) -> PCollection[CommitBatch]:
        """Yields one element a batch."""
        if self._config.mode == "stream":
            return self._stream(pbegin)
        found: PCollection[CommitBatch] = (
            pbegin
            | "Lake" >> beam.Create([self._config.lake_root])
            | "ReadCommits" >> beam.ParDo(_ReadCommitsFn(self._config))
        )
        return found

    def _stream(self, pbegin: PBegin) -> PCollection[CommitBatch]:
        found: PCollection[CommitBatch] = (
            pbegin
            | "Start" >> beam.Impulse()
            | "WatchChains" >> WatchChains(self._config)
            # Without it Flink gives all chains to one worker.
            | "SpreadChains" >> beam.Reshuffle()
            | "FollowChains" >> beam.ParDo(StreamCommitsFn(self._config))
        )
        return found


class _ReadCommitsFn(beam.DoFn):
    def __init__(self, config: ReadCommitsConfig) -> None:
        self._config = config

    def process(self, element: str) -> Iterator[CommitBatch]:
        yield from batches(ObjectStore(element, self._config.store), self._config)


def batches(store: ObjectStore, config: ReadCommitsConfig) -> Iterator[CommitBatch]:
    """Yields the batches of a drain."""
    lake = require_lake(store)
    ends = chain_ends(store, lake, config.topics)
    starts = {each: start_of(CommitChain(store, each, lake.lake_id), config) for each in ends}
    position = {**config.position, **starts}
    # One with a position but without a chain is gone; asked for, so that it is noticed.
    ends |= {owner: mark.seq for owner, mark in position.items() if owner not in ends}
    while True:
        found = new_commits(store, lake, position, limits=config.limits, ends=ends)
        batch = read_batch(store, found, config.tables)
        if not batch.tails:
            return
        yield batch
        position = batch.position_after(position)
