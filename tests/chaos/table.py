"""The table of a run: by fault how often, how long until all went on, what was lost or doubled."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from tests.chaos.ledger import Recovered
from tests.chaos.proof import Verdict

_HEAD = ("fault", "times", "recovery p50", "max", "lost", "doubled")


def table(recovered: Sequence[Recovered], verdict: Verdict) -> str:
    """Returns the table as Markdown.

    Lost and doubled are known of the run as a whole, when it has come to its end.
    """
    by_name: dict[str, list[float]] = defaultdict(list)
    for each in recovered:
        by_name[each.fault.name].append(each.seconds)
    rows = [
        (name, f"{len(seconds)}", _seconds(median(seconds)), _seconds(max(seconds)), "", "")
        for name, seconds in sorted(by_name.items())
    ]
    every = [each.seconds for each in recovered]
    if every:
        lost, doubled = f"{verdict.lost:,}", f"{verdict.doubled:,}"
        own = (f"{len(every)}", _seconds(median(every)), _seconds(max(every)), lost, doubled)
        rows.append(("all", *own))
    lines = [_HEAD, ("---", *["---:"] * (len(_HEAD) - 1)), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
