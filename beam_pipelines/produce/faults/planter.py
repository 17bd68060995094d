"""Plants faults into a stream of sound chunks. The sound messages stay as they are."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

import numpy as np

from beam_pipelines.produce.chunk import Chunk, Fate, Headers
from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.canary_messages import CanaryMessages
from beam_pipelines.produce.faults.insertions import Insertion, copy_of, inserted
from beam_pipelines.produce.faults.malformed import MALFORMED, Sound
from beam_pipelines.produce.faults.rule_messages import RuleMessages
from beam_pipelines.produce.planting import Planting
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.topics import PATIENTS, TopicSpec

_MALFORMED_SHARE = 0.003
_DUPLICATE_SHARE = 0.005
_TOMBSTONE_SHARE = 0.005
_NULL_KEY_SHARE = 0.001
_HEADERS_SHARE = 0.002
# Reference topics get few messages: one in so many may be planted, so that each kind occurs.
_SMALL_TOPIC = 20
# A producer's duplicate follows within so many messages of its topic.
_DUPLICATE_WITHIN = 500
_TRANSACTION_SHARE = 0.04
_TRANSACTION_MESSAGES = (10, 1_500)
# Smaller chunks get no transaction.
_SMALLEST_SPLIT = 40
# A transaction halts the stream for some 50 ms, so a topic has one per so many messages.
_MESSAGES_BETWEEN = 80_000


def plant(
    chunks: Iterator[Chunk],
    rng: np.random.Generator,
    topics: tuple[TopicSpec, ...],
    world: World,
) -> Iterator[Chunk]:
    """Yields the chunks with faults among their messages.

    Kinds: those of `MALFORMED`, each in turn; `duplicate` (the same message again, later);
    `tombstone` (patients and reference topics); `repeated_key` (reference topics: the same update
    twice); `null_key` (not in compacted topics, whose broker refuses it); `headers`; canaries (see
    `CanaryMessages`); `rule` (see `RuleMessages`), and `death` of a patient, for one of the rules.
    Part of each larger chunk goes through a transaction, after a first try that is aborted.
    """
    planter = _Planter(rng, {topic.name: topic for topic in topics}, world)
    for chunk in chunks:
        yield from planter.planted(chunk)


class _Planter:
    def __init__(
        self, rng: np.random.Generator, topics: dict[str, TopicSpec], world: World
    ) -> None:
        self._rng, self._topics = rng, topics
        self._kinds = cycle([str(kind) for kind in rng.permutation(list(MALFORMED))])
        self._datums: dict[str, bytes] = {}
        self._next_transaction = dict.fromkeys(topics, 0)
        self._seen = dict.fromkeys(topics, 0)
        self._canaries = CanaryMessages()
        self._rules = RuleMessages(world)

    def planted(self, chunk: Chunk) -> Iterator[Chunk]:
        topic = self._topics[chunk.topic]
        insertions = [*self._malformed(chunk, topic), *self._repeated(chunk, topic)]
        if topic.compacted or topic.name == PATIENTS.name:
            insertions += self._tombstones(chunk)
        insertions += self._canaries.insertions(chunk, topic, self._rng)
        insertions += self._rules.insertions(chunk, topic, self._rng)
        chunk = inserted(self._changed(chunk, topic), insertions)
        self._datums[topic.dataset] = _last_value(chunk)
        yield from self._in_transactions(chunk)

    def _count(self, rows: int, share: float, least: int, of: int = 100) -> int:
        """The share of the rows; `least`, if that is not more than one row in `of`."""
        return max(round(rows * share), min(least, rows // of))

    def _rows(self, chunk: Chunk, count: int) -> list[int]:
        return sorted(self._rng.integers(len(chunk), size=count).tolist())

    def _malformed(self, chunk: Chunk, topic: TopicSpec) -> Iterator[Insertion]:
        count = self._count(len(chunk), _MALFORMED_SHARE, len(MALFORMED))
        for row in self._rows(chunk, count):
            value = chunk.values[row]
            if value is None:
                continue
            sound = Sound(value, contract_of(value), self._foreign(topic))
            kind, bad = next(self._kinds), None
            while bad is None:
                bad = MALFORMED[kind](sound, self._rng)
                kind, made = (next(self._kinds), kind) if bad is None else (kind, kind)
            yield copy_of(chunk, row, made, bad)

    def _foreign(self, topic: TopicSpec) -> bytes | None:
        others = [datum for name, datum in self._datums.items() if name != topic.dataset]
        return others[int(self._rng.integers(len(others)))] if others else None

    def _repeated(self, chunk: Chunk, topic: TopicSpec) -> Iterator[Insertion]:
        kind = "repeated_key" if topic.compacted else "duplicate"
        of = _SMALL_TOPIC if topic.compacted else 100
        for row in self._rows(chunk, self._count(len(chunk), _DUPLICATE_SHARE, 3, of)):
            later = 0 if topic.compacted else int(self._rng.integers(_DUPLICATE_WITHIN))
            after = min(row + later, len(chunk) - 1)
            yield copy_of(chunk, row, kind, chunk.values[row], after=after)

    def _tombstones(self, chunk: Chunk) -> Iterator[Insertion]:
        for row in self._rows(chunk, self._count(len(chunk), _TOMBSTONE_SHARE, 2, _SMALL_TOPIC)):
            yield copy_of(chunk, row, "tombstone", None)

    def _changed(self, chunk: Chunk, topic: TopicSpec) -> Chunk:
        """Takes the key from some messages, and gives headers to others."""
        nulls = 0 if topic.compacted else self._count(len(chunk), _NULL_KEY_SHARE, 2)
        rich = self._count(len(chunk), _HEADERS_SHARE, 4)
        rows = self._rng.permutation(len(chunk))[: nulls + rich].tolist()
        keys = list(chunk.keys)
        for row in rows[:nulls]:
            keys[row] = None
        headers = {row: self._headers() for row in rows[nulls:]}
        planted = dict.fromkeys(rows[:nulls], Planting(kind="null_key"))
        planted |= dict.fromkeys(headers, Planting(kind="headers"))
        return replace(chunk, keys=keys, headers=headers, planted=planted)

    def _headers(self) -> Headers:
        """A trace as W3C writes it, binary data, a repeated name, an empty and a null value."""
        trace = self._rng.bytes(24).hex()
        return [
            ("traceparent", f"00-{trace[:32]}-{trace[32:]}-01".encode("ascii")),
            ("signature", self._rng.bytes(8)),
            ("hop", b"store"),
            ("hop", b"bridge"),
            ("note", b""),
            ("reply-to", None),
        ]

    def _in_transactions(self, chunk: Chunk) -> Iterator[Chunk]:
        seen = self._seen[chunk.topic]
        self._seen[chunk.topic] += len(chunk)
        if len(chunk) < _SMALLEST_SPLIT or seen < self._next_transaction[chunk.topic]:
            yield chunk
            return
        self._next_transaction[chunk.topic] = seen + _MESSAGES_BETWEEN
        least, most = _TRANSACTION_MESSAGES
        size = min(most, max(least, int(len(chunk) * _TRANSACTION_SHARE)))
        start = int(self._rng.integers(1, len(chunk) - size))
        end = start + size
        failed = start + int(self._rng.integers(1, size + 1))
        yield chunk.sliced(0, start)
        # What an aborted transaction holds is in the log, but no one may see it.
        yield replace(chunk.sliced(start, failed, Fate.ABORTED), planted={})
        yield chunk.sliced(start, end, Fate.COMMITTED)
        yield chunk.sliced(end, len(chunk))


def _last_value(chunk: Chunk) -> bytes:
    """A sound datum of the chunk: that of its first row, before which nothing is inserted."""
    return (chunk.values[0] or b"")[5:]
