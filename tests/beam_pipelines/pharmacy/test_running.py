"""One pipeline, in sight of whoever waits for it."""

import io
import threading

import apache_beam as beam
import pytest
from rich.console import Console
from rich.table import Table

from beam_pipelines.pharmacy import progress as shown_progress
from beam_pipelines.pharmacy.running import first_line, looked, piped, shown
from transforms.errors import StoreUnavailableError

FLAGS = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]
AWAY = StoreUnavailableError("S3 is away", "Wait")


class Watched:
    """Counts looks; fails where it is to."""

    def __init__(self, error=None):
        self.error = error
        self.was_seen = threading.Event()

    def look(self):
        self.was_seen.set()
        if self.error is not None:
            raise self.error

    def line(self):
        return "12 rows"

    def table(self):
        return Table()


def screen(**settings) -> Console:
    return Console(file=io.StringIO(), width=100, **settings)


class TestPiped:
    def test_a_pipeline_that_ends_well_says_nothing(self):
        assert piped(FLAGS, lambda pipeline: pipeline | beam.Create([1])) is None

    def test_what_the_runner_raises_is_returned(self):
        broken = piped(FLAGS, lambda pipeline: pipeline | beam.Create([0]) | beam.Map(_divide))
        assert isinstance(broken, ZeroDivisionError)

    def test_a_user_who_interrupts_is_heard(self):
        def interrupted(pipeline):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            piped(FLAGS, interrupted)


def _divide(by: int) -> float:
    return 1 / by


class TestShown:
    def test_it_looks_and_shows_while_the_body_runs(self, monkeypatch):
        monkeypatch.setattr(shown_progress, "EVERY_S", 0.01)
        watched, here = Watched(), screen()
        with shown(watched, here):
            assert watched.was_seen.wait(30)
        assert "12 rows" in here.file.getvalue()

    def test_a_quiet_screen_costs_no_look(self):
        watched = Watched()
        with shown(watched, screen(quiet=True)):
            assert "progress" not in {thread.name for thread in threading.enumerate()}
        assert not watched.was_seen.is_set()

    def test_a_look_that_fails_is_shown_and_disturbs_nothing(self, monkeypatch):
        monkeypatch.setattr(shown_progress, "EVERY_S", 0.01)
        watched, here = Watched(AWAY), screen()
        with shown(watched, here):
            assert watched.was_seen.wait(30)
        assert "progress unknown: S3 is away" in here.file.getvalue()


def test_a_last_look_returns_what_kept_it_from_seeing():
    assert looked(Watched()) is None
    assert looked(Watched(AWAY)) is AWAY


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (AWAY, "S3 is away. Wait"),
        (RuntimeError("Traceback\n  File x\n\nValueError: y\n"), "RuntimeError: ValueError: y"),
        (RuntimeError(""), "RuntimeError: no text"),
    ],
)
def test_a_failure_is_told_in_one_line(failure, line):
    assert first_line(failure) == line
