"""The stream as a whole: processes that come and go, older restrictions, outages, retention.

A stateful model test. Two processes stream one partition into one lake; the test chooses who is
called next, with which restriction, and what goes wrong. At the end, once all is well again, the
lake must hold what the log says, each offset once.
"""

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.object_store import FakeBucket, Fault
from tests.fakes.stream_client import FakeClock
from tests.transforms.kafka.stream.worlds import World
from tests.transforms.segments import DATASET

HOLES = frozenset({3, 11, 12, 13, 25, 39, 40})
WHO = st.integers(0, 1)
#: Of a write, or of the request that would tell of it.
FAULTS = (
    Fault.LOST_REQUEST,
    Fault.LOST_REPLY,
    Fault.LATE_EFFECT,
    Fault.CONFLICT,
    Fault.EXISTS,
    Fault.EXISTS_AFTER_EFFECT,
)
KEYS = ("data/", "_commits/")


class StreamMachine(RuleBasedStateMachine):
    """Two processes that both think the partition is theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket, self.clock = FakeBucket(), FakeClock()
        first = World(end=20, most=15, bucket=self.bucket, clock=self.clock, holes=HOLES)
        self.broker = first.broker
        self.worlds = {0: first, 1: self.process()}

    def process(self) -> World:
        return World(most=15, bucket=self.bucket, clock=self.clock, broker=self.broker)

    # -- what processes do

    @rule(who=WHO)
    def call(self, who: int) -> None:
        segment = self.worlds[who].turn().segment
        if segment is not None:
            self.worlds[who].write(segment)

    @rule(who=WHO)
    def lose_a_segment_on_its_way(self, who: int) -> None:
        self.worlds[who].turn()

    @rule(who=WHO, fault=st.sampled_from(FAULTS), key=st.sampled_from(KEYS))
    def fail_to_write(self, who: int, fault: Fault, key: str) -> None:
        segment = self.worlds[who].turn().segment
        if segment is not None:
            self.worlds[who].store.fail(fault, "put_object", key=key)
            self.worlds[who].write(segment)

    @rule(who=WHO, back=st.integers(-30, 30))
    def restore(self, who: int, back: int) -> None:
        self.worlds[who].hint = max(0, self.worlds[who].hint - back)

    @rule(who=WHO)
    def die(self, who: int) -> None:
        hint = self.worlds[who].hint
        self.worlds[who] = self.process()
        self.worlds[who].hint = hint

    # -- what the world does

    @rule(count=st.integers(1, 20))
    def produce(self, count: int) -> None:
        self.log.end += count

    @rule(count=st.integers(1, 10))
    def retain(self, count: int) -> None:
        self.log.first = min(self.log.first + count, self.log.end)

    @rule()
    def go_away_or_come_back(self) -> None:
        self.broker.away = not self.broker.away

    @rule(seconds=st.sampled_from([1.0, 10.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule()
    def deliver_what_was_late(self) -> None:
        self.bucket.deliver()

    # -- what must hold

    @property
    def log(self):
        return self.worlds[0].log

    @invariant()
    def what_is_committed_is_what_the_log_says_each_offset_once(self) -> None:
        at = 0
        for commit in self.worlds[0].commits():
            assert commit.start == at
            at = commit.end
            gone = {o for a, b in commit.gaps for o in range(a, b)}
            assert all(o < self.log.first for o in gone)
            read = [o for o in range(commit.start, commit.end) if o not in gone | HOLES]
            assert self.offsets(commit) == read
        assert at <= self.log.end

    def offsets(self, commit):
        store = self.bucket.store()
        tables = [
            pq.read_table(pa.BufferReader(store.get(file.key)))
            for file in commit.files
            if file.dataset == DATASET
        ]
        return sorted(o for each in tables for o in each.column("_offset").to_pylist())

    def teardown(self) -> None:
        """All is well again: whoever is left comes to the end."""
        self.broker.away = False
        self.bucket.deliver()
        for world in self.worlds.values():
            world.store._planned.clear()
        for _ in range(60):
            self.clock.move(601.0)
            self.call(0)
            if self.worlds[0].commits() and self.worlds[0].commits()[-1].end == self.log.end:
                break
        else:
            raise AssertionError(f"stuck before {self.log.end}: {self.worlds[0].lane.failure}")
        self.what_is_committed_is_what_the_log_says_each_offset_once()


StreamMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    # Shrinking a failure takes minutes; add Phase.shrink to study one.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestStream = StreamMachine.TestCase
