"""Crash points act where the environment says, and nowhere else."""

import subprocess
import sys

import numpy as np
import pytest

from transforms import crash_points
from transforms.crash_points import POINTS, VARIABLE, CrashPointError, crash_at_offset, crash_point


@pytest.fixture(autouse=True)
def no_visits(monkeypatch):
    monkeypatch.setattr(crash_points, "_visits", {})


def reached(visits, name="lake.after_commit"):
    """Which of so many visits raised."""
    raised = []
    for visit in range(1, visits + 1):
        try:
            crash_point(name)
        except CrashPointError:
            raised.append(visit)
    return raised


def test_without_the_variable_nothing_happens(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert [reached(2, name) for name in POINTS] == [[]] * len(POINTS)


@pytest.mark.parametrize(("nth", "visits"), [("1", [1]), ("3", [3]), ("2+", [2, 3, 4])])
def test_it_acts_at_the_visit_that_is_named(monkeypatch, nth, visits):
    monkeypatch.setenv(VARIABLE, f"lake.after_commit:{nth}:raise")
    assert reached(4) == visits


def test_a_point_whose_name_begins_alike_is_another(monkeypatch):
    monkeypatch.setenv(VARIABLE, "lake.after_commit_sent:1:raise")
    assert reached(2) == []
    assert reached(2, "lake.after_commit_sent") == [1]


def test_a_point_may_be_a_message(monkeypatch):
    crash_at_offset("decode.offset", np.arange(10))
    monkeypatch.setenv(VARIABLE, "decode.offset:7:raise")
    crash_at_offset("decode.offset", np.arange(7))
    crash_at_offset("decode.other", np.arange(10))
    for _ in range(2):
        with pytest.raises(CrashPointError):
            crash_at_offset("decode.offset", np.arange(10))


@pytest.mark.parametrize("setting", ["lake.before_commit", "lake.before_commit:2"])
def test_it_kills_the_process_unless_told_otherwise(setting):
    code = (
        "from transforms.crash_points import crash_point\n"
        "for name in ('lake.after_commit', 'lake.before_commit', 'lake.before_commit'):\n"
        "    crash_point(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={VARIABLE: setting}, check=False)
    assert done.returncode == -9
