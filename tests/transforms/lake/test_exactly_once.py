"""The protocol as a whole: readers and writers of one partition, crashes and lost replies.

A stateful model test. Processes read the partition and write it to one lake, another sweeps; the
test chooses whose store call is next and what goes wrong with it. After every step the lake must
hold what the log says, each offset once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.fakes.object_store import CrashError, FakeBucket, Fault
from tests.transforms.lake.actors import Actor, SteppedStore
from tests.transforms.lake.lakes import LAKE_ID, born, new_lane
from tests.transforms.segments import LAYOUTS, OWNER, messages, raw_segment, with_verdicts
from transforms.errors import ContentionError, StoreUnavailableError
from transforms.kafka import PartitionTask, SegmentLimits
from transforms.kafka.messages import Fetched
from transforms.kafka.reader import read_segments
from transforms.lake.commit import SegmentCommit, parse_commit
from transforms.lake.files import small_tables
from transforms.lake.lanes import Lane
from transforms.lake.names import SIDECAR, parse_data_key
from transforms.lake.sweep import plan_sweep, sweep
from transforms.lake.writer import SegmentWriter, hash_offsets
from transforms.segment import ACCEPTED, DEAD_LETTER, FILTERED, Range, Segment, clip

END = 40
#: Where the log has no message: markers and compacted records.
HOLES = frozenset({3, 11, 12, 13, 25, 39})
LOG = tuple(o for o in range(END) if o not in HOLES)
WHO = st.integers(0, 2)
SWEEPER = 3
ANYBODY = st.integers(0, SWEEPER)
PATIENCE_S = 1.0  # of the store's own clock: three or four tries

FAULTS = (
    Fault.LOST_REQUEST,
    Fault.LOST_REPLY,
    Fault.LATE_EFFECT,
    Fault.CONFLICT,
    Fault.EXISTS,
    Fault.EXISTS_AFTER_EFFECT,
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
)


def verdict(offset: int) -> str:
    """What becomes of a message: a function of the message alone."""
    if offset % 7 == 0:
        return DEAD_LETTER
    return FILTERED if offset % 5 == 0 else ACCEPTED


def expected(start: int, end: int, disposition: str, gaps: Sequence[Range]) -> list[int]:
    """The offsets of a range that must have come to one end."""
    lost = {o for a, b in gaps for o in range(a, b)}
    return [o for o in LOG if start <= o < end and o not in lost and verdict(o) == disposition]


def judged(segment: Segment) -> Segment:
    by = {name: [o for o in LOG if verdict(o) == name] for name in (DEAD_LETTER, FILTERED)}
    return with_verdicts(segment, by[DEAD_LETTER], by[FILTERED])


class DeadOffsets:
    """A small table, so that there is a sidecar: the offsets of the dead letters."""

    name = "dead"

    def setup(self) -> None:
        pass

    def derive(self, segment: Segment) -> pa.Table:
        kept = pa.compute.equal(segment.disposed.column("disposition"), DEAD_LETTER)
        return segment.disposed.filter(kept).select(["offset"])


class Log:
    """The partition as a broker has it."""

    def __init__(self) -> None:
        self.first = 0

    def topic_id(self) -> str:
        return OWNER.topic_id

    def earliest(self) -> int:
        return self.first

    def fetch(self, start: int, wanted: int, limits: SegmentLimits) -> Fetched:
        if start < self.first:
            return Fetched(messages([]), start)
        held = [o for o in LOG if start <= o < wanted][: limits.messages]
        done = not held or not any(held[-1] < o < wanted for o in LOG)
        return Fetched(messages(held), wanted if done else held[-1] + 1)

    def note_progress(self, fence: int) -> None:
        pass

    def segment(self, start: int, end: int) -> Segment:
        """A range as a runner may give it again: any cut."""
        first = max(start, min(self.first, end))
        made = raw_segment(start, end, [o for o in LOG if first <= o < end])
        return replace(made, gaps=clip([(start, first)], start, end))


class LakeMachine(RuleBasedStateMachine):
    """Three processes on one partition, and one that sweeps."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket = FakeBucket()
        self.log = Log()
        self.actors: dict[int, Actor] = {}
        self.lanes: dict[int, tuple[SteppedStore, Lane]] = {}
        self.checked: dict[str, tuple[bytes, SegmentCommit]] = {}

    @initialize(cuts=st.tuples(*[st.integers(1, 15)] * 2))
    def give_birth(self, cuts: tuple[int, int]) -> None:
        born(self.bucket)
        for who, cut in enumerate(cuts):
            self.start_reader(who, cut)

    # -- what processes do

    def _idle(self, who: int) -> bool:
        return who not in self.actors or self.actors[who].done

    def _lane(self, who: int) -> tuple[SteppedStore, Lane]:
        if who not in self.lanes:
            store = SteppedStore(self.bucket, PATIENCE_S)
            self.lanes[who] = (store, new_lane(store))
        return self.lanes[who]

    def _read_all(self, lane: Lane, cut: int) -> None:
        task = PartitionTask(
            topic=OWNER.topic, topic_id=OWNER.topic_id, partition=0, fence=0, wanted=END
        )
        writer = SegmentWriter(LAYOUTS, [DeadOffsets()], "reader")
        for segment in read_segments(task, lane, self.log, SegmentLimits(messages=cut)):
            lane.submit(partial(writer.write, lane, judged(segment)))
        lane.wait()
        if lane.failure is not None:
            raise lane.failure

    def _replay(self, lane: Lane, segment: Segment) -> None:
        lane.begin(END)
        SegmentWriter(LAYOUTS, [DeadOffsets()], "replay").write(lane, segment)

    @precondition(lambda self: len(self._running()) < 3)
    @rule(who=WHO, cut=st.integers(1, 15))
    def start_reader(self, who: int, cut: int) -> None:
        if self._idle(who):
            store, lane = self._lane(who)
            self.actors[who] = Actor(store, lambda: self._read_all(lane, cut))

    @precondition(lambda self: len(self._running()) < 3)
    @rule(who=WHO, start=st.integers(0, END), length=st.integers(0, 25))
    def start_replay(self, who: int, start: int, length: int) -> None:
        if self._idle(who):
            store, lane = self._lane(who)
            again = judged(self.log.segment(start, min(END, start + length)))
            self.actors[who] = Actor(store, lambda: self._replay(lane, again))

    @rule()
    def start_sweep(self) -> None:
        if self._idle(SWEEPER):
            store = SteppedStore(self.bucket, PATIENCE_S)
            self.actors[SWEEPER] = Actor(store, lambda: sweep(store, plan_sweep(store)))

    @precondition(lambda self: self._running())
    @rule(schedule=st.lists(st.tuples(ANYBODY, st.integers(1, 8)), min_size=1, max_size=6))
    def step(self, schedule: list[tuple[int, int]]) -> None:
        for who, steps in schedule:
            for _ in range(steps):
                self._advance(who, None)

    @precondition(lambda self: self._running())
    @rule(who=ANYBODY, before_commit=st.booleans(), fault=st.sampled_from(FAULTS))
    def step_into_a_fault(self, who: int, before_commit: bool, fault: Fault) -> None:
        if before_commit:
            self._to_commit(who)
        self._advance(who, fault)

    @precondition(lambda self: len(self._running()) > 1)
    @rule(order=st.permutations(range(3)))
    def race_to_commit(self, order: list[int]) -> None:
        """All come to their commit, then each sends it."""
        for who in order:
            self._to_commit(who)
        for who in order:
            self._advance(who, None)

    def _running(self) -> list[int]:
        return [who for who in self.actors if not self._idle(who)]

    def _to_commit(self, who: int) -> None:
        while not self._idle(who) and not self.actors[who].commits_next:
            self._advance(who, None)

    def _advance(self, who: int, fault: Fault | None) -> None:
        if self._idle(who):
            return
        actor = self.actors[who]
        actor.step(fault)
        if isinstance(actor.error, CrashError):
            actor.kill()
            self.lanes.pop(who, None)  # Its memory is gone with it.

    @precondition(lambda self: self.bucket.late)
    @rule()
    def deliver_late_puts(self) -> None:
        self.bucket.deliver()

    @rule(by=st.integers(1, 6))
    def retention_deletes(self, by: int) -> None:
        self.log.first = min(END, self.log.first + by)

    # -- what must hold

    @invariant()
    def processes_fail_for_reasons_of_the_store_only(self) -> None:
        allowed = (CrashError, ContentionError, StoreUnavailableError)
        for actor in self.actors.values():
            assert actor.error is None or isinstance(actor.error, allowed), repr(actor.error)

    @invariant()
    def the_lake_holds_each_offset_below_its_fence_once(self) -> None:
        self._check_chain()

    def _check_chain(self) -> int:
        content = self.bucket.store().content
        keys = sorted(key for key in content if key.startswith(OWNER.commits))
        assert keys == [OWNER.commit_key(seq) for seq in range(len(keys))], "a hole"
        assert set(self.checked) <= set(keys), "a commit is gone"
        fence, prev = 0, ""
        for seq, key in enumerate(keys):
            commit = self._checked(key, content)
            assert (commit.seq, commit.start, commit.prev) == (seq, fence, prev)
            assert commit.end > fence or not seq, "a commit of nothing"
            assert all(file.key in content for file in commit.files), "a file is gone"
            fence, prev = commit.end, hashlib.sha256(content[key]).hexdigest()
        return fence

    def _checked(self, key: str, content: dict[str, bytes]) -> SegmentCommit:
        if key in self.checked:
            body, commit = self.checked[key]
            assert content[key] == body, "a commit was overwritten"
        else:
            commit = parse_commit(content[key], key)
            _check_commit(commit, content, self.log.first)
            self.checked[key] = (content[key], commit)
        return commit

    def teardown(self) -> None:
        for actor in self.actors.values():
            actor.kill()
        if not self.bucket.objects:
            return
        store = self.bucket.store()
        self._read_all(new_lane(store), 7)
        assert self._check_chain() == END
        self.bucket.deliver()
        assert self._check_chain() == END


def _check_commit(commit: SegmentCommit, content: dict[str, bytes], deleted: int) -> None:
    read = [o for name in (ACCEPTED, DEAD_LETTER, FILTERED) for o in _offsets_of(commit, name)]
    assert commit.lake_id == LAKE_ID
    assert all(end <= deleted for _, end in commit.gaps), "a gap where the broker had messages"
    assert all(commit.start <= a < b <= commit.end for a, b in commit.gaps)
    assert commit.messages == len(read)
    assert commit.offsets_sha256 == hash_offsets(pa.array(sorted(read), pa.int64()).to_numpy())
    for name in (ACCEPTED, DEAD_LETTER, FILTERED):
        assert commit.count(name) == len(_offsets_of(commit, name))
    listed = [o for runs in commit.filtered.values() for a, b in runs for o in range(a, b)]
    assert listed == _offsets_of(commit, FILTERED)
    held = _held(commit, content)
    assert held[ACCEPTED] == _offsets_of(commit, ACCEPTED)
    assert held[DEAD_LETTER] == _offsets_of(commit, DEAD_LETTER)


def _offsets_of(commit: SegmentCommit, disposition: str) -> list[int]:
    return expected(commit.start, commit.end, disposition, commit.gaps)


def _held(commit: SegmentCommit, content: dict[str, bytes]) -> dict[str, list[int]]:
    """The offsets that a commit's files hold, read from their bytes."""
    held: dict[str, Any] = {ACCEPTED: [], DEAD_LETTER: []}
    for file in commit.files:
        body = content[file.key]
        name = parse_data_key(file.key)
        assert name is not None
        assert (name.start, name.end) == (commit.start, commit.end), "a file of another range"
        assert hashlib.sha256(body).hexdigest() == file.sha256
        assert len(body) == file.bytes
        if file.dataset == SIDECAR:
            held[DEAD_LETTER] += small_tables(body)["dead"].column("offset").to_pylist()
        else:
            held[ACCEPTED] += pq.read_table(pa.BufferReader(body)).column("_offset").to_pylist()
    return held


TestExactlyOnce = LakeMachine.TestCase
TestExactlyOnce.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    # Shrinking a failure takes minutes; add Phase.shrink to study one.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
