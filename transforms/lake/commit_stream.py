"""The splittable DoFn of a stream of commits, and what looks for the chains that it follows."""

import logging
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.watch import PollResult, Watch
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.pvalue import PCollection
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration

from transforms.errors import PipelineError
from transforms.lake import commit_watermark as watermark
from transforms.lake.client import ObjectStore
from transforms.lake.commit_batches import CommitBatch, ReadCommitsConfig
from transforms.lake.following import ChainFollower
from transforms.lake.names import PartitionId
from transforms.lake.new_commits import Mark, mark_of
from transforms.lake.read import owners
from transforms.lake.setbacks import is_told
from transforms.lake.settings import StoreSettings

_log = logging.getLogger(__name__)

#: A checkpoint waits for a call, so an outage is waited out between the calls, not in them.
_PATIENCE_S: Final = 2.0
_NO_PAUSE: Final = Duration(0)

#: A partition as an element: plain values, whose bytes are the same whenever runners make a key of
#: them.
ChainKey = tuple[str, str, int]


def store_of(config: ReadCommitsConfig) -> ObjectStore:
    """Returns the lake's objects, as a stream asks for them."""
    settings = config.store or StoreSettings()
    patience_s = min(settings.patience_s, _PATIENCE_S)
    return ObjectStore(config.lake_root, replace(settings, patience_s=patience_s))


class WatchChains(beam.PTransform[PCollection[bytes], PCollection[ChainKey]]):
    """Gives out each chain once, those that come later within a minute.

    What was given out is part of the runner's state.
    """

    def __init__(self, config: ReadCommitsConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, start: PCollection[bytes]) -> PCollection[ChainKey]:
        """Adds the watch to the graph."""
        chains: PCollection[ChainKey] = (
            start
            | "LookAgain" >> Watch(_Look(self._config), self._config.follow.discover_every_s)
            | "TakeChain" >> beam.Values()
        )
        return chains


class _Look:
    """One look at the lake; what it needs is made on the worker."""

    def __init__(self, config: ReadCommitsConfig) -> None:
        self._config = config
        self._store: ObjectStore | None = None
        self._failures = 0

    def __call__(self, _start: bytes) -> PollResult[ChainKey]:
        settled = time.time() - self._config.follow.disorder_s
        return PollResult.incomplete(self._found(), settled).with_watermark(settled)

    def _found(self) -> list[ChainKey]:
        try:
            self._store = self._store or store_of(self._config)
            found = owners(self._store, self._config.topics)
        except PipelineError as error:
            self._failures += 1
            if is_told(self._failures):
                _log.warning("chains not looked for: %s (look %d)", error, self._failures)
            return []
        self._failures = 0
        return [astuple(owner) for owner in found]


@dataclass(frozen=True)
class Follow:
    """A restriction: what comes after a commit, without end.

    Attributes:
        taken: The last commit that was taken; None for a beginning as the configuration says.
        ended: Nothing of it is left: the rest was handed back to the runner.
    """

    taken: Mark | None = None
    ended: bool = False


class FollowTracker(RestrictionTracker):
    """Marks are claimed in order, each the position behind what is given out."""

    def __init__(self, restriction: Follow) -> None:
        self._restriction = restriction

    def current_restriction(self) -> Follow:
        """Returns what is left to do."""
        return self._restriction

    def current_progress(self) -> RestrictionProgress:
        """Says that as much is left as was done: what comes has no end."""
        return RestrictionProgress(completed=1, remaining=1)

    def try_claim(self, position: Mark) -> bool:
        """Takes all up to a commit, unless the rest was handed back."""
        if self._restriction.ended:
            return False
        self._restriction = Follow(position)
        return True

    def try_split(self, fraction: float) -> tuple[Follow, Follow] | None:
        """Hands back the rest; a chain is read by one worker, in order, so nothing else splits."""
        if fraction != 0 or self._restriction.ended:
            return None
        rest, self._restriction = self._restriction, replace(self._restriction, ended=True)
        return self._restriction, rest

    def check_done(self) -> bool:
        """Checks that the rest was handed back.

        Raises:
            ValueError: It was not.
        """
        if not self._restriction.ended:
            raise ValueError("a chain has no end, and the call did not hand back the rest")
        return True

    def is_bounded(self) -> bool:
        """Tells whether it ends."""
        return self._restriction.ended


class _FollowProvider(RestrictionProvider):
    def initial_restriction(self, _chain: ChainKey) -> Follow:
        return Follow()

    def create_tracker(self, restriction: Follow) -> FollowTracker:
        return FollowTracker(restriction)

    def restriction_size(self, _chain: ChainKey, _restriction: Follow) -> int:
        return 1  # What is left has no end; runners only compare.


_RESTRICTION: Final = beam.DoFn.RestrictionParam(_FollowProvider())
_WATERMARK: Final = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class StreamCommitsFn(beam.DoFn):
    """Gives out the commits of one chain for ever.

    Each call is short, and claims nothing if nothing is new. The restriction is the position: the
    runner keeps it in the same checkpoint as what was made of the commits.
    """

    def __init__(self, config: ReadCommitsConfig) -> None:
        self._config = config

    def setup(self) -> None:
        """Forgets what an earlier worker knew."""
        self._store = store_of(self._config)
        self._followers: dict[ChainKey, ChainFollower] = {}

    @beam.DoFn.unbounded_per_element()
    def process(
        self, chain: ChainKey, tracker: Any = _RESTRICTION, estimator: Any = _WATERMARK
    ) -> Iterator[CommitBatch]:
        """Makes one call."""
        turn = self._follower(chain).turn(tracker.current_restriction().taken)
        if turn.batch is not None:
            if not tracker.try_claim(mark_of(turn.batch.tails[-1])):
                return
            yield self._stamped(turn.batch, estimator)
        if turn.quiet_s:
            before = estimator.current_watermark()
            estimator.set_watermark(
                watermark.after_quiet(before, turn.quiet_s, self._config.follow, time.time())
            )
        pause = Duration(self._config.follow.poll_every_s)
        tracker.defer_remainder(_NO_PAUSE if turn.more else pause)

    def _follower(self, chain: ChainKey) -> ChainFollower:
        if chain not in self._followers:
            owner = PartitionId(*chain)
            self._followers[chain] = ChainFollower(self._store, owner, self._config)
        return self._followers[chain]

    def _stamped(self, batch: CommitBatch, estimator: Any) -> Any:
        before, now = estimator.current_watermark(), time.time()
        after = watermark.after(batch, before, self._config.follow.disorder_s, now)
        if after is not None:
            estimator.set_watermark(after)
        return TimestampedValue(batch, watermark.stamp(batch, before))
