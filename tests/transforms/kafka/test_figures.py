"""What is told of reading: each message that is given on, and how far the lake is behind."""

import pytest

from tests.told import telling
from tests.transforms.kafka.stream.worlds import World
from tests.transforms.kafka.test_read import Process
from tests.transforms.segments import OWNER, raw_segment
from transforms.kafka.figures import tell_left, tell_read
from transforms.kafka.stream.partition import LAG_EVERY_S
from transforms.metrics import LAG_OFFSETS, READ_BYTES, READ_MESSAGES

PLACE = f"{OWNER.topic}/{OWNER.partition}"


@pytest.fixture
def told():
    with telling() as made:
        yield made


def test_messages_are_told_and_how_large_they_are(told):
    segment = raw_segment(0, 10, offsets=[1, 5])
    tell_read(segment)
    assert told.of(READ_MESSAGES) == {PLACE: 2}
    assert told.of(READ_BYTES) == {PLACE: segment.messages.nbytes}


def test_a_drain_tells_all_that_it_gives_on_and_its_lag_to_the_end(told):
    process = Process(wanted=50, most=20)
    process.run()
    place = f"{OWNER.topic}/{process.owner.partition}"
    assert told.of(READ_MESSAGES) == {place: 50}
    assert told.of(LAG_OFFSETS) == {place: 0}


class TestLagOfAStream:
    def test_it_is_told_when_a_partition_is_taken_up(self, told):
        World(end=50).turn()
        assert told.of(LAG_OFFSETS) == {PLACE: 50}

    def test_it_is_asked_for_again_after_a_while(self, told):
        world = World(end=50)
        world.run(calls=3)
        world.clock.move(LAG_EVERY_S)
        world.log.end = 70
        world.turn()
        assert told.of(LAG_OFFSETS) == {PLACE: 70 - 40}

    def test_it_grows_while_nothing_can_be_written(self, told):
        world = World(end=50)
        world.turn()  # Nobody writes what it gave out.
        world.log.end = 1_000
        world.clock.move(LAG_EVERY_S)
        world.turn()
        assert told.of(LAG_OFFSETS) == {PLACE: 1_000}

    def test_a_cluster_that_is_away_is_not_asked_in_vain_at_each_call(self, told):
        world = World(end=10)
        world.turn()
        world.clock.move(LAG_EVERY_S)
        asked = []
        world.broker.stable_end = lambda facts: asked.append(facts) or world.broker._check_there()
        world.broker.away = True
        for _ in range(3):
            world.turn()
        assert len(asked) == 1
        assert world.lane.outcome() is None  # It is no failure of the partition.


def test_a_process_that_leaves_a_partition_takes_its_lag_back(monkeypatch):
    shown = []
    monkeypatch.setattr("transforms.kafka.figures.expose", lambda *told: shown.append(told))
    tell_left(OWNER)
    assert shown == [(LAG_OFFSETS, (OWNER.topic, str(OWNER.partition)), 0)]
