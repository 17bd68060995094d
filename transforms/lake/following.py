"""One chain of a stream, as one process sees it: what is new in it, in short calls."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.commit_batches import CommitBatch, ReadCommitsConfig, read_batch
from transforms.lake.commit_starts import start_of
from transforms.lake.manifest import require_lake
from transforms.lake.names import PartitionId
from transforms.lake.new_commits import (
    READERS,
    Mark,
    Taken,
    check_follows,
    check_still_there,
    following,
    mark_of,
)
from transforms.lake.setbacks import Setback

#: A checkpoint waits for a call, so a long chain is caught up with over many.
_CALL_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What came of one call.

    Attributes:
        batch: New commits, to be claimed and given out; None if there were none.
        more: There may be more at once.
        quiet_s: For how long, in seconds, no event has come since this was last said; 0 if that
            is not long yet.
    """

    batch: CommitBatch | None = None
    more: bool = False
    quiet_s: float = 0.0


class ChainFollower:
    """Reads on in one chain.

    Keeps no position: that is the runner's, in the same checkpoint as all that was made of the
    commits. A failure ends no call: it is told in the log, and the chain asked again later.

    Args:
        store: The lake's objects, without patience.
        owner: Whose chain it is.
        config: What to read of it.
        clock: A clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        store: ObjectStore,
        owner: PartitionId,
        config: ReadCommitsConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._owner = owner
        self._config = config
        self._clock = clock
        self._setback = Setback(f"commits of {owner}", clock)
        self._chain: CommitChain | None = None
        self._begins: Mark | None = None
        self._checked = False
        self._news_at: float | None = None
        self._told_at = 0.0

    def turn(self, taken: Mark | None) -> Turn:
        """Reads what is new, for about a second; claims nothing, so it may be called again.

        Args:
            taken: How far the reader has come; None where the configuration says.
        """
        if self._setback.waiting:
            return Turn()
        try:
            return self._turn(taken)
        except Exception as error:  # noqa: BLE001 - the lake and the other chains go on
            self._setback.note(error)
            self._news_at = None
            return Turn()

    def _turn(self, taken: Mark | None) -> Turn:
        if self._chain is None:
            lake = require_lake(self._store)
            self._chain = CommitChain(self._store, self._owner, lake.lake_id)
        tails, more = self._new(self._chain, self._start(self._chain) if taken is None else taken)
        batch = read_batch(self._store, tails, self._config.tables) if tails else None
        self._setback.over()
        news = any(tail.commit.event_time for tail in tails)
        return Turn(batch=batch, more=more, quiet_s=self._quiet_s(news))

    def _start(self, chain: CommitChain) -> Mark:
        if self._begins is None:
            self._begins = start_of(chain, self._config)
        return self._begins

    def _new(self, chain: CommitChain, taken: Mark) -> tuple[list[Tail], bool]:
        """Returns commits, and whether there may be more than they."""
        deadline = self._clock() + _CALL_S
        first = following(chain, taken)
        if first is None:
            self._check_once(chain, taken)
            return [], False
        room = Taken(self._config.limits)
        room.is_full(first)
        tails, ahead = [first], 1
        while self._clock() < deadline:
            found = _read_ahead(chain, tails[-1], ahead)
            for tail in found:
                if room.is_full(tail):
                    return tails, True
                tails.append(tail)
            if len(found) < ahead:
                return tails, False
            # Most often there is one new commit, so many are asked for only when many came.
            ahead = min(2 * ahead, READERS)
        return tails, True

    def _check_once(self, chain: CommitChain, taken: Mark) -> None:
        # Later it is the next commit that tells whether it follows.
        if not self._checked and taken.seq >= 0:
            check_still_there(chain, taken)
        self._checked = True

    def _quiet_s(self, news: bool) -> float:
        now = self._clock()
        if news or self._news_at is None:
            self._news_at = self._told_at = now
        if now - self._news_at < self._config.follow.idle_after_s:
            return 0.0
        quiet, self._told_at = now - self._told_at, now
        return quiet


def _read_ahead(chain: CommitChain, last: Tail, count: int) -> list[Tail]:
    first = last.commit.seq + 1
    with ThreadPoolExecutor(count) as pool:
        found = list(pool.map(chain.find, range(first, first + count)))
    good: list[Tail] = []
    for tail in found:
        if tail is None:
            break  # What lies behind was made meanwhile: it is left to the next call.
        check_follows(chain, mark_of((good or [last])[-1]), tail)
        good.append(tail)
    return good
