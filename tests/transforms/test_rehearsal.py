"""A rehearsal tells what a segment does to a process, from outside of that process."""

import os
import signal

import apache_beam as beam
import pytest

from tests.transforms.segments import raw_segment
from transforms.rehearsal import Ending, Rehearsal


class _Does(beam.DoFn):
    def __init__(self, what, at):
        self._what, self._at = what, at

    def setup(self):
        if self._at == "setup":
            self._do()

    def process(self, segment):
        if self._at in segment.offsets.tolist():
            self._do()
        yield segment

    def _do(self):
        if self._what == "raise":
            raise ZeroDivisionError
        os.kill(os.getpid(), signal.SIGSEGV)


class Does(beam.PTransform):
    """Does something when it meets an offset, or when it is set up."""

    def __init__(self, what, at):
        super().__init__()
        self._fn = _Does(what, at)

    def expand(self, segments):
        return segments | beam.ParDo(self._fn)


@pytest.mark.parametrize(
    ("what", "at", "ending"),
    [
        ("die", 7, Ending.DIED),
        ("raise", 7, Ending.LIVED),
        # Any segment would have killed it so.
        ("die", "setup", Ending.UNKNOWN),
    ],
)
def test_only_a_process_that_the_segment_kills_has_died_of_it(what, at, ending):
    # The second step sees what the first one passes on.
    rehearsal = Rehearsal([Does("raise", -1), Does(what, at)])
    assert rehearsal.run(raw_segment(0, 10)) is ending


def test_a_child_that_can_not_be_started_proves_nothing(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert Rehearsal([Does("die", 7)]).run(raw_segment(0, 10)) is Ending.UNKNOWN
