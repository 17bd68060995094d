"""When a process looks for later references, and what counts meanwhile."""

import threading

import pytest

from transforms.errors import StoreUnavailableError
from transforms.references import refreshing
from transforms.references.held import Held
from transforms.references.refreshing import Refresher

WAIT_S = 60


class Looks:
    """Looks that end when the test lets them."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: Exception | None = None
        self.held = threading.Event()
        self.held.set()

    def __call__(self, held: Held) -> Held:
        assert self.held.wait(WAIT_S)
        self.count += 1
        if self.failure is not None:
            raise self.failure
        return Held(digest=held.digest + (1 << 192))


class World:
    def __init__(self, every_s=60.0):
        self.now = 0.0
        self.looks = Looks()
        self.refresher = Refresher(self.looks, Held(), every_s, lambda: self.now)

    def segment_at(self, now):
        """Which look's references a segment sees that begins then."""
        self.now = now
        return self.refresher.newest().digest >> 192

    def ended(self):
        """Waits for the look that is under way."""
        thread = self.refresher._thread
        if thread is not None:
            thread.join(WAIT_S)
            assert not thread.is_alive()


@pytest.fixture
def world():
    return World()


def test_what_was_committed_counts_from_the_segment_after_the_look_on(world):
    assert world.segment_at(59) == 0
    assert world.refresher._thread is None
    world.looks.held.clear()
    assert world.segment_at(61) == 0  # It begins the look, and doesn't wait for it.
    world.looks.held.set()
    world.ended()
    assert world.segment_at(62) == 1
    assert world.looks.count == 1


def test_one_look_is_under_way_at_a_time(world):
    world.looks.held.clear()
    assert [world.segment_at(now) for now in (61, 62, 119)] == [0, 0, 0]
    world.looks.held.set()
    world.ended()
    assert world.looks.count == 1


def test_after_a_quiet_night_a_segment_waits_for_the_look(world):
    assert world.segment_at(8 * 3600) == 1


def test_but_not_for_longer_than_a_checkpoint_can_wait(world, monkeypatch):
    monkeypatch.setattr(refreshing, "PATIENCE_S", 0.01)
    world.looks.held.clear()
    assert world.segment_at(8 * 3600) == 0
    world.looks.held.set()
    world.ended()
    assert world.segment_at(8 * 3600 + 1) == 1


def test_what_is_pinned_is_never_looked_for_again():
    world = World(every_s=0)
    assert world.segment_at(10**6) == 0
    assert world.looks.count == 0


def test_an_outage_keeps_what_is_held_and_is_told_of_and_ends(world, caplog):
    world.looks.failure = StoreUnavailableError("S3 is away")
    for now in (61, 63, 70, 80, 100):
        assert world.segment_at(now) == 0
        world.ended()
    assert world.looks.count == 5
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3  # The first, second and fourth.
    assert all("those that are held go on: S3 is away" in each for each in told)
    world.looks.failure = None
    world.segment_at(140)
    world.ended()
    assert world.segment_at(141) == 1


def test_a_bug_keeps_what_is_held_and_its_text_stays_out_of_the_log(world, caplog):
    world.looks.failure = KeyError("a value")
    assert world.segment_at(61) == 0
    world.ended()
    assert world.segment_at(62) == 0
    assert "ALARM" in caplog.text
    assert "a value" not in caplog.text


def test_what_a_step_saw_is_found_by_its_version_though_it_was_replaced(world):
    first = world.refresher.newest()
    assert world.segment_at(8 * 3600) == 1
    assert world.refresher.of(first.version) is first
    assert world.segment_at(16 * 3600) == 2
    assert world.refresher.of(first.version) is None
