"""What may go on its way where earlier runs came no further."""

import logging
from collections import Counter

import pytest

from tests.fakes.object_store import FakeBucket
from tests.transforms.segments import OWNER, raw_segment
from transforms.guard import is_quarantined
from transforms.kafka.caution import Caution
from transforms.lake.attempts import SUSPICIOUS_DEATHS, Attempts
from transforms.rehearsal import Ending


class Stage:
    """Rehearses: a segment that holds one of the deadly offsets dies.

    Attributes:
        tried: How often each range was tried.
    """

    def __init__(self, *deadly, lives=0):
        self.deadly, self.lives, self.tried = deadly, lives, Counter()

    def __call__(self, segment):
        self.tried[segment.start, segment.end] += 1
        if not any(segment.start <= offset < segment.end for offset in self.deadly):
            return Ending.LIVED
        if segment.messages.num_rows <= 1_000 and self.lives:
            self.lives -= 1
            return Ending.LIVED
        return Ending.DIED


def caution(stage, deaths=SUSPICIOUS_DEATHS, fence=0):
    bucket = FakeBucket()
    for _ in range(deaths):
        Attempts(bucket.store(), OWNER, fence).begin()
    return Caution(Attempts(bucket.store(), OWNER, fence), stage)


def read(made, end, most, start=0):
    """Reads a partition of so many messages; returns the ranges, and whether they are gone."""
    given = []
    while start < end:
        passed = made.passed(raw_segment(start, min(start + most, end)))
        assert passed.start == start
        given.append((passed.start, passed.end, is_quarantined(passed)))
        start = passed.end
    return given


def test_a_segment_that_nobody_died_of_is_not_tried():
    stage = Stage(5)
    assert read(caution(stage, deaths=SUSPICIOUS_DEATHS - 1), 30, 10) == [
        (0, 10, False),
        (10, 20, False),
        (20, 30, False),
    ]
    assert not stage.tried


def test_a_segment_that_lives_goes_on_whole_however_many_runs_were_killed():
    stage = Stage()
    assert read(caution(stage, deaths=50), 30, 10) == [
        (0, 10, False),
        (10, 20, False),
        (20, 30, False),
    ]
    assert stage.tried == {(0, 10): 1}


def test_what_dies_three_times_is_quarantined_and_its_neighbors_are_not(caplog):
    stage = Stage(2_500)
    given = read(caution(stage), 12_000, 4_000)
    assert [each for each in given if each[2]] == [(2_000, 3_000, True)]
    assert sum(end - start for start, end, _ in given) == 12_000
    assert stage.tried[2_000, 3_000] == 3
    assert all(start < 4_000 for start, _ in stage.tried)
    assert "ALARM: 2 runs died at shop.events[0] 0-4000" in caplog.text
    assert "ALARM: shop.events[0] 2000-3000 kills every process" in caplog.text


def test_several_deadly_messages_of_a_segment_are_all_found():
    deadly = {0, 1_999, 3_999}
    given = read(caution(Stage(*deadly)), 8_000, 4_000)
    gone = [range(start, end) for start, end, quarantined in given if quarantined]
    assert all(len(each) <= 1_000 and deadly & set(each) for each in gone)
    assert deadly <= {offset for each in gone for offset in each}


@pytest.mark.parametrize("lives", [1, 2])
def test_what_lives_once_at_last_is_not_quarantined(lives):
    assert not any(gone for _, _, gone in read(caution(Stage(5, lives=lives)), 10, 10))


def test_a_rehearsal_that_can_not_be_held_quarantines_nothing():
    made = caution(lambda segment: Ending.UNKNOWN)
    assert read(made, 10, 10) == [(0, 10, False)]


def test_without_a_rehearsal_the_alarm_is_all(caplog):
    caplog.set_level(logging.ERROR)
    assert read(caution(None), 20, 10) == [(0, 10, False), (10, 20, False)]
    assert caplog.text.count("ALARM") == 1
