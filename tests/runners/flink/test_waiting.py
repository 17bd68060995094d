import signal
import threading

import pytest

from runners import flink
from runners.flink import waiting
from tests.fakes.flink import FakeJob


class Result:
    """Stands for Beam's: waits until the fake's job has ended."""

    def __init__(self, fake, failure=None):
        self._fake = fake
        self._failure = failure
        self.waits = threading.Event()

    def wait_until_finish(self):
        self.waits.set()
        if self._failure:
            raise self._failure
        while any(job.state == "RUNNING" for job in self._fake.jobs):
            threading.Event().wait(0.01)


def interrupt_when(event):
    """Makes Ctrl-C reach this process once the event has happened."""

    def interrupt():
        event.wait(10)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def test_a_stream_that_ends_by_itself_was_not_stopped(cluster, fake):
    assert flink.attend(Result(fake), cluster, "x") is None


def test_a_stream_that_fails_raises_what_beam_does(cluster, fake):
    with pytest.raises(RuntimeError, match="failed in state FAILED"):
        flink.attend(Result(fake, RuntimeError("failed in state FAILED")), cluster, "x")


def test_ctrl_c_stops_it_with_a_savepoint(cluster, fake):
    fake.jobs = [FakeJob("a", "x")]
    result = Result(fake)
    interrupt_when(result.waits)
    assert flink.attend(result, cluster, "x").path == "file:/savepoint-a"


def test_a_second_ctrl_c_cancels_it(cluster, fake, monkeypatch):
    fake.jobs = [FakeJob("a", "x")]
    monkeypatch.setattr(cluster, "stop", lambda job_id: signal.raise_signal(signal.SIGINT))
    result = Result(fake)
    interrupt_when(result.waits)
    assert flink.attend(result, cluster, "x").state == "CANCELED"


def test_ctrl_c_waits_for_a_job_that_is_on_its_way_to_the_cluster(cluster, fake, monkeypatch):
    monkeypatch.setattr(waiting, "_POLL_S", 0.01)
    fake.jobs = [FakeJob("z", "another")]  # keeps the result waiting
    result = Result(fake)
    asked = cluster.jobs

    def arriving():
        found = asked()
        if len(fake.jobs) == 1:
            fake.jobs.append(FakeJob("a", "x"))
        return found

    monkeypatch.setattr(cluster, "jobs", arriving)
    interrupt_when(result.waits)
    assert flink.attend(result, cluster, "x").path == "file:/savepoint-a"
    fake.jobs[0].state = "FINISHED"
