"""The lake against the broker: do the fences reach its end, do sampled ranges hold the same?

The broker is behind a protocol, so that the rules are tested without one and the lake's folder
doesn't depend on Kafka's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from transforms.errors import SecretError
from transforms.lake.commit import SegmentCommit
from transforms.lake.names import PartitionId
from transforms.lake.verify.commit_check import CommitCheck
from transforms.lake.verify.report import Breach, breach
from transforms.segment import column_values


@dataclass(frozen=True, kw_only=True)
class TopicOnBroker:
    """A topic as the broker has it now.

    Attributes:
        topic_id: Kafka's id of it.
        cluster_id: Kafka's id of the cluster.
        earliest: Per partition the first offset that is still there.
        stable_end: Per partition the last stable offset.
        compacted: Whether messages may vanish from the middle of the log.
    """

    topic_id: str
    cluster_id: str
    earliest: Mapping[int, int]
    stable_end: Mapping[int, int]
    compacted: bool = False


class BrokerView(Protocol):
    """What verification asks of a broker."""

    def topic(self, name: str) -> TopicOnBroker | None:
        """Returns the topic, or None if the broker has none of that name."""

    def read(self, owner: PartitionId, start: int, end: int, fence: int) -> pa.Table:
        """Returns the committed messages in ``[start, end)`` that the broker still has.

        Args:
            owner: The partition.
            start: First offset.
            end: Offset after the last; at most ``fence``.
            fence: End of the partition's chain. Calls for one partition come in order.
        """


#: Opens dead letters: yields ``offset``, ``key``, ``value`` and ``headers`` of those that the key
#: at hand has sealed, and leaves the others out.
OpenLetters = Callable[[pa.Table, PartitionId], Iterable[Mapping[str, Any]]]


def check_fences(
    known: TopicOnBroker, topic: str, fences: Mapping[int, int], *, allow_lag: bool
) -> Iterator[Breach]:
    """Yields the partitions of a topic whose fence is not at the last stable offset.

    Args:
        known: The topic on the broker.
        topic: Its name.
        fences: Per partition that has a chain, its end.
        allow_lag: Whether messages that are not yet read are no breach.
    """
    for partition, end in sorted(known.stable_end.items()):
        chain = f"{topic}[{partition}]"
        fence = fences.get(partition, known.earliest.get(partition, 0))
        if fence > end:
            what = f"the chain ends at {fence}, the log at {end}: the log is shorter than the lake"
            yield Breach(rule="log-short", what=what, chain=chain, offsets=(end, fence))
        elif fence < end and not allow_lag:
            what = f"{end - fence} offsets are not yet read"
            yield Breach(rule="lag", what=what, chain=chain, offsets=(fence, end))
    for partition in sorted(set(fences) - set(known.stable_end)):
        chain = f"{topic}[{partition}]"
        yield Breach(rule="partition-gone", what="the broker has no such partition", chain=chain)


@dataclass(frozen=True)
class Comparison:
    """A commit against the messages that were read again."""

    check: CommitCheck
    messages: pa.Table
    known: TopicOnBroker

    @property
    def commit(self) -> SegmentCommit:
        """The commit."""
        return self.check.commit

    def breaches(self, letters: Iterable[Mapping[str, Any]]) -> Iterator[Breach]:
        """Yields what differs.

        Args:
            letters: The commit's dead letters, opened; none where there is no key.
        """
        yield from self._offsets()
        yield from self._stamps()
        yield from self._letters(letters)

    def _offsets(self) -> Iterator[Breach]:
        assert self.check.dispositions is not None
        earliest = self.known.earliest.get(self.commit.partition, 0)
        ours = self.check.dispositions.all()
        ours = ours[ours >= earliest]  # Retention has deleted the others: nothing to compare.
        theirs = column_values(self.messages, "offset")
        lost = np.setdiff1d(theirs, ours)
        if len(lost):
            what = f"{len(lost)} messages of the broker are not in it, first offset {lost[0]}"
            yield breach(self.commit, "broker-lost", what)
        made_up = np.setdiff1d(ours, theirs)
        if len(made_up) and not self.known.compacted:
            what = f"{len(made_up)} of its messages the broker never had, first {made_up[0]}"
            yield breach(self.commit, "broker-made-up", what)

    def _stamps(self) -> Iterator[Breach]:
        offsets = column_values(self.messages, "offset")
        stamps = np.asarray(self.messages.column("timestamp").cast(pa.int64()).to_numpy())
        for file in self.check.files:
            at = np.searchsorted(offsets, file.offsets)
            found = at < len(offsets)
            found[found] &= offsets[at[found]] == file.offsets[found]
            wrong = file.offsets[found][stamps[at[found]] != file.stamps[found]]
            if len(wrong):
                what = f"{len(wrong)} rows have another timestamp, first offset {wrong[0]}"
                yield breach(self.commit, "broker-timestamp", what)

    def _letters(self, letters: Iterable[Mapping[str, Any]]) -> Iterator[Breach]:
        at = {offset: row for row, offset in enumerate(self.messages.column("offset").to_pylist())}
        try:
            for letter in letters:
                row = at.get(letter["offset"])
                message = None if row is None else self.messages.slice(row, 1).to_pylist()[0]
                if message is not None and _content(message) != _content(letter):
                    what = f"the dead letter of offset {letter['offset']} is not the message"
                    yield breach(self.commit, "broker-dead-letter", what)
        except SecretError:
            what = "a dead letter does not open with the key that is said to have sealed it"
            yield breach(self.commit, "seal", what)


def _content(message: Mapping[str, Any]) -> tuple[Any, ...]:
    headers = message["headers"] or []
    pairs = [tuple(h.values()) if isinstance(h, dict) else tuple(h) for h in headers]
    return message["key"], message["value"], pairs
