"""Rule counts of a commit, against the rows and dead letters that its files hold."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.lake.commit import SegmentCommit
from transforms.lake.verify.contents import FileRows
from transforms.lake.verify.dispositions import Dispositions
from transforms.lake.verify.report import Breach, breach
from transforms.segment import DEAD_LETTER


def check_rules(
    commit: SegmentCommit, files: Sequence[FileRows], found: Dispositions
) -> Iterator[Breach]:
    """Yields where the counts of rules are not what files and lists hold.

    The counts were taken from the findings, the rows tell of them on their own: a message that a
    rule warns of carries its id, one that a rule rejects is a dead letter with it. What a message
    trips besides the rule that rejects it is counted and has no other trace.
    """
    carried = warned(files)
    for rule in sorted(carried.keys() | commit.warnings.keys()):
        have, said = carried.get(rule, 0), commit.warnings.get(rule, 0)
        if have != said:
            what = f"{have} messages carry the warning {rule}, recorded {said}"
            yield breach(commit, "rule-warnings", what)
    tripped = {rule: sum(counts.values()) for rule, counts in commit.rules.items()}
    least = Counter(commit.warnings) + rejected(found)
    for rule in sorted(least):
        if tripped.get(rule, 0) < least[rule]:
            what = (
                f"{least[rule]} messages are told to trip {rule}, recorded {tripped.get(rule, 0)}"
            )
            yield breach(commit, "rule-count", what)
    if max(tripped.values(), default=0) > commit.messages:
        yield breach(commit, "rule-count", "a rule counts more messages than were read")


def warned(files: Sequence[FileRows]) -> dict[str, int]:
    """Returns by rule the messages with rows that carry its id."""
    offsets: dict[str, list[np.ndarray]] = {}
    for file in files:
        for rule, mine in _by_rule(file):
            offsets.setdefault(rule, []).append(mine)
    return {rule: len(np.unique(np.concatenate(parts))) for rule, parts in offsets.items()}


def rejected(found: Dispositions) -> Counter[str]:
    """Returns by rule the dead letters with its id for their reason.

    Ids of rules begin with a capital; the pipeline's own reasons don't.
    """
    return Counter(
        {
            reason: len(offsets)
            for (disposition, reason), offsets in found.offsets.items()
            if disposition == DEAD_LETTER and reason[:1].isupper()
        }
    )


def _by_rule(file: FileRows) -> Iterator[tuple[str, np.ndarray]]:
    if file.warnings is None or file.warnings.null_count == len(file.warnings):
        return
    texts: pa.ChunkedArray = file.warnings.cast(pa.string())
    listed = texts.drop_null().unique().to_pylist()
    sets: Mapping[str, set[str]] = {text: set(text.split(",")) for text in listed}
    for rule in sorted(set().union(*sets.values())):
        having = pa.array([text for text, ids in sets.items() if rule in ids], pa.string())
        mask = np.asarray(pc.is_in(texts, value_set=having))
        yield rule, file.offsets[mask]
