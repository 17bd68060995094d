"""Where a reader of commits begins."""

from datetime import datetime

from transforms.lake.chain import CommitChain
from transforms.lake.commit_batches import ReadCommitsConfig
from transforms.lake.new_commits import BEGINNING, Mark, mark_of


def start_of(chain: CommitChain, config: ReadCommitsConfig) -> Mark:
    """Returns how far a reader of a chain has come that begins as the configuration says."""
    if chain.owner in config.position:
        return config.position[chain.owner]
    return BEGINNING if config.since is None else mark_before(chain, config.since)


def mark_before(chain: CommitChain, since: datetime) -> Mark:
    """Returns how far a reader has come that is to begin at a time.

    Messages of a partition come in the order of their broker timestamps, nearly: what came later
    than by that order may be left out.

    Args:
        chain: Of the partition.
        since: With a zone.

    Returns:
        The mark before the first commit whose last broker timestamp is at that time or later. While
        there is none, the chain's last commit: so the answer stays right when more are made.
    """
    tail = chain.reload()
    if tail is None:
        return BEGINNING
    millis = int(since.timestamp() * 1000)
    # The genesis, which holds no message, lies before; what follows the last commit does not.
    before, after = 0, tail.commit.seq + 1
    while after - before > 1:
        middle = (before + after) // 2
        timed = _next_timed(chain, middle, after)
        if timed is None or timed[1] >= millis:
            after = middle
        else:
            before = timed[0]
    return mark_of(chain.read(before))


def _next_timed(chain: CommitChain, first: int, end: int) -> tuple[int, int] | None:
    """Returns the first commit that holds messages, and its last broker timestamp."""
    for seq in range(first, end):
        times = chain.read(seq).commit.broker_time
        if times is not None:
            return seq, times[1]
    return None
